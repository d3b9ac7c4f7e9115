import { InstarError, messageOf } from '@instar/core'
import type { Stream } from '@libp2p/interface'
import { lpStream } from '@libp2p/utils'
import { decodeMessage, encodeMessage, frameBytesMax, type SyncMessage } from './messages.js'

/** The peer sent what no honest one sends. */
export class PeerLied extends Error {
  override readonly name = 'PeerLied'
}

/** The peer did not answer in time. */
export class PeerStalled extends Error {
  override readonly name = 'PeerStalled'
}

/** One exchange's stream as messages, each bounded in bytes and time. */
export interface Frames {
  send(message: SyncMessage): Promise<void>
  /** Undefined when the other side has ended the exchange. @throws PeerLied, PeerStalled, InstarError Unreachable */
  receive(): Promise<SyncMessage | undefined>
  /** Of all messages of this exchange that came. */
  readonly receivedBytes: number
  close(): void
  abort(cause: Error): void
}

/** @param onSent told of the bytes of each message before it goes; what it throws ends the exchange @param messageTimeoutMs - how long the other side may take for one message */
export function framesOver(
  stream: Stream,
  messageTimeoutMs: number,
  signal: AbortSignal,
  onSent: (bytes: number) => void = () => undefined
): Frames {
  let receivedBytes = 0
  const frames = lpStream(stream, { maxDataLength: frameBytesMax, maxBufferSize: 2 * frameBytesMax })
  const bounded = async <T>(operation: (signal: AbortSignal) => Promise<T>): Promise<T> => {
    const timeout = AbortSignal.timeout(messageTimeoutMs)
    try {
      return await operation(AbortSignal.any([signal, timeout]))
    } catch (thrown) {
      if (timeout.aborted) throw new PeerStalled(`no message in ${messageTimeoutMs} ms`)
      const { name } = thrown as Error
      if (name.startsWith('InvalidDataLength')) throw new PeerLied('a message is larger than agreed')
      // Each message answers one; nobody has reason to be two ahead.
      if (name === 'StreamBufferError') throw new PeerLied('it sent more than was asked for')
      throw new InstarError('Unreachable', `The exchange broke off: ${messageOf(thrown)}.`, { cause: thrown })
    }
  }
  return {
    send: async message => {
      const bytes = encodeMessage(message)
      onSent(bytes.length)
      await bounded(limit => frames.write(bytes, { signal: limit }))
    },
    get receivedBytes() {
      return receivedBytes
    },
    async receive() {
      const bytes = await bounded(async limit => {
        try {
          return (await frames.read({ signal: limit })).subarray()
        } catch (thrown) {
          if ((thrown as Error).name === 'UnexpectedEOFError') return undefined
          throw thrown
        }
      })
      if (bytes === undefined) return undefined
      receivedBytes += bytes.length
      const message = decodeMessage(bytes)
      if (message.verdict !== 'accept') throw new PeerLied(`${message.code}: ${message.detail}`)
      return message.value
    },
    close() {
      stream.close().catch((thrown: unknown) => stream.abort(thrown as Error))
    },
    abort: cause => stream.abort(cause)
  }
}
