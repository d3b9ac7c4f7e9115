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
  close(): void
  abort(cause: Error): void
}

/** @param messageTimeoutMs - how long the other side may take for one message */
export function framesOver(stream: Stream, messageTimeoutMs: number, signal: AbortSignal): Frames {
  const frames = lpStream(stream, { maxDataLength: frameBytesMax, maxBufferSize: 2 * frameBytesMax })
  const bounded = async <T>(operation: (signal: AbortSignal) => Promise<T>): Promise<T> => {
    const timeout = AbortSignal.timeout(messageTimeoutMs)
    try {
      return await operation(AbortSignal.any([signal, timeout]))
    } catch (thrown) {
      if (timeout.aborted) throw new PeerStalled(`no message in ${messageTimeoutMs} ms`)
      if (/InvalidDataLength/.test((thrown as Error).name)) throw new PeerLied('a message is larger than agreed')
      throw new InstarError('Unreachable', `The exchange broke off: ${messageOf(thrown)}.`, { cause: thrown })
    }
  }
  return {
    send: message => bounded(limit => frames.write(encodeMessage(message), { signal: limit })),
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
