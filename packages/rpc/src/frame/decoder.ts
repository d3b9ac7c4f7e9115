import type { Chunk } from '../transport/frame-transport.js'
import { frameHeadBytes, frameRestBytes, isFrameKind, readUint32, type Frame, type ProtocolFault } from './frame.js'

export interface FrameDecoder {
  /**
   * Takes what came from the wire and hands on each frame that is complete. Answers `undefined`, or what is wrong with the bytes, after which the
   * decoder reads nothing more. Memory is bounded by twice the bytes received of one frame; a length field is believed up to 128 KiB only.
   */
  push(chunk: Chunk): ProtocolFault | undefined
  /** Bytes of a frame that is not complete yet. */
  readonly buffered: number
}

/** Cuts a stream of bytes into frames. `onFrame` gets views of the chunk where the frame lies in one piece. */
export function createFrameDecoder(init: {
  readonly payloadBytesMax: number
  readonly onFrame: (frame: Frame) => void
}): FrameDecoder {
  const { payloadBytesMax, onFrame } = init
  /** The beginning of a frame: `held[0 … filled)`. Grows by doubling, so that many tiny chunks cost linear time. */
  let held: Uint8Array = nothing
  let filled = 0
  let fault: ProtocolFault | undefined

  /** Total bytes of the frame that starts at `at`; undefined when its head is not all there, or after a failure. */
  function frameBytes(source: Uint8Array, at: number, end: number): number | undefined {
    if (end - at < frameHeadBytes) return undefined
    const rest = readUint32(source, at)
    const kind = source[at + 4] as number
    if (rest < frameRestBytes) fail('BadFrame', `a frame says that it has ${rest} bytes`)
    else if (rest - frameRestBytes > payloadBytesMax) {
      fail('FrameTooLarge', `a frame of ${rest} bytes, at most ${payloadBytesMax + frameRestBytes} are read`)
    } else if (!isFrameKind(kind)) fail('BadFrame', `a frame of the unknown kind ${kind}`)
    else return rest + 4
    return undefined
  }

  function fail(code: string, detail: string): void {
    fault = { code, detail }
    held = nothing
    filled = 0
  }

  /** Read through a function: the compiler does not see that others write it. */
  function hasFailed(): boolean {
    return fault !== undefined
  }

  function emit(source: Uint8Array, at: number, total: number): void {
    onFrame({
      kind: source[at + 4] as Frame['kind'],
      id: readUint32(source, at + 5),
      payload: source.subarray(at + frameHeadBytes, at + total)
    })
  }

  /** @param total of the frame, if it is known */
  function keep(source: Uint8Array, at: number, end: number, total = 0): void {
    const needed = filled + end - at
    if (needed > held.byteLength) {
      // In one piece where that can do no harm: each large buffer brings the next collection of garbage nearer.
      const bytes = Math.max(needed, Math.min(total, believedBytesMax), held.byteLength * 2, 512)
      const grown = new Uint8Array(Buffer.allocUnsafeSlow(bytes).buffer)
      grown.set(held.subarray(0, filled))
      held = grown
    }
    held.set(source.subarray(at, end), filled)
    filled = needed
  }

  /** Completes the frame whose beginning is held; answers how much of the piece it took. */
  function complete(piece: Uint8Array): number {
    let taken = 0
    if (filled < frameHeadBytes) {
      taken = Math.min(frameHeadBytes - filled, piece.byteLength)
      keep(piece, 0, taken)
    }
    const total = frameBytes(held, 0, filled)
    if (total === undefined) return piece.byteLength
    const more = Math.min(total - filled, piece.byteLength - taken)
    keep(piece, taken, taken + more, total)
    if (filled === total) {
      const whole = held
      held = nothing
      filled = 0
      emit(whole, 0, total)
    }
    return taken + more
  }

  function pushPiece(piece: Uint8Array): void {
    let at = filled > 0 ? complete(piece) : 0
    while (!hasFailed() && at < piece.byteLength) {
      const total = frameBytes(piece, at, piece.byteLength)
      if (total === undefined || at + total > piece.byteLength) {
        if (!hasFailed()) keep(piece, at, piece.byteLength, total)
        return
      }
      emit(piece, at, total)
      at += total
    }
  }

  return {
    push(chunk) {
      if (fault !== undefined) return fault
      if (chunk instanceof Uint8Array) pushPiece(chunk)
      else for (const piece of chunk) if (!hasFailed()) pushPiece(piece)
      return fault
    },
    get buffered() {
      return filled
    }
  }
}

const nothing = new Uint8Array(0)
/** What a frame head can make us set aside by itself; the system gives memory to it only as bytes come. */
const believedBytesMax = 128 * 1024
