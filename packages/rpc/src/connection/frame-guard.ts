import type { MessageStream, StreamMessageEvent } from '@libp2p/interface'
import { readUint32 } from '../frame/frame.js'
import { connectionLimits } from './limits.js'
import { createRate } from './rate.js'

/**
 * Ends a connection whose frames of Yamux no honest end sends: longer than a window, or opening streams and asking for pongs without end. Yamux itself collects a frame of any length that
 * its header names, up to 4 GiB, before it looks at the window, and holds its pongs without bound for one who does not read them.
 *
 * Call it before the muxer listens: it must see each message first.
 */
export function guardFrames(connection: MessageStream, now: () => number = () => performance.now()): MessageStream {
  const inspect = createFrameInspector(now)
  connection.maxWriteBufferLength = connectionLimits.unsentBytesMax
  connection.addEventListener('message', (event: StreamMessageEvent) => {
    const fault = inspect(event.data)
    if (fault === undefined) return
    // The muxer would only collect what comes after.
    event.stopImmediatePropagation()
    connection.abort(new Error(`the other end broke the rules of the muxer: ${fault}`))
  })
  return connection
}

/** Answers what is wrong with the frames that these bytes begin or go on with; the first answer is the last that counts. */
export function createFrameInspector(
  now: () => number
): (pieces: Uint8Array | Iterable<Uint8Array>) => string | undefined {
  const { windowBytesMax, opensPerSecond, opensAtOnce } = connectionLimits
  const head = new Uint8Array(headerBytes)
  let filled = 0
  /** Bytes of the frame that are still to come after its header. */
  let body = 0
  const mayOpen = createRate({ perSecond: opensPerSecond, atOnce: opensAtOnce, now })

  function faultOf(): string | undefined {
    const length = readUint32(head, 8)
    if (head[1] === kinds.data) {
      if (length > windowBytesMax) return `a frame of ${length} bytes, at most ${windowBytesMax} fit its window`
      body = length
    }
    const opens = ((head[3] ?? 0) & flags.open) !== 0
    if ((opens || head[1] === kinds.ping) && !mayOpen()) return `more than ${opensPerSecond} streams or pings a second`
    return undefined
  }

  function read(piece: Uint8Array): string | undefined {
    for (let at = 0; at < piece.byteLength;) {
      if (body > 0) {
        const skipped = Math.min(body, piece.byteLength - at)
        body -= skipped
        at += skipped
        continue
      }
      const part = Math.min(headerBytes - filled, piece.byteLength - at)
      head.set(piece.subarray(at, at + part), filled)
      filled += part
      at += part
      if (filled < headerBytes) return undefined
      filled = 0
      const fault = faultOf()
      if (fault !== undefined) return fault
    }
    return undefined
  }

  return pieces => {
    if (pieces instanceof Uint8Array) return read(pieces)
    for (const piece of pieces) {
      const fault = read(piece)
      if (fault !== undefined) return fault
    }
    return undefined
  }
}

const headerBytes = 12
const kinds = { data: 0, ping: 2 }
const flags = { open: 1 }
