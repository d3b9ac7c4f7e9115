import type { MessageStream } from '@libp2p/interface'

type Pieces = Uint8Array | Iterable<Uint8Array>

/** Cuts what comes from the wire into Noise's packets: `u16be length | bytes`. One that lies in one piece is a view of it. */
export function createPacketDecoder(): (pieces: Pieces) => Generator<Uint8Array> {
  /** The first byte of a length whose second has not come. */
  let high: number | undefined
  /** A packet that has begun in an earlier piece. */
  let held: Uint8Array | undefined
  let filled = 0

  function* cut(piece: Uint8Array): Generator<Uint8Array> {
    let at = 0
    while (at < piece.byteLength) {
      if (held === undefined) {
        if (high === undefined && piece.byteLength - at === 1) {
          high = piece[at]
          return
        }
        const length = ((high ?? piece[at++] ?? 0) << 8) | (piece[at++] ?? 0)
        high = undefined
        if (length <= piece.byteLength - at) {
          if (length > 0) yield piece.subarray(at, at + length)
          at += length
          continue
        }
        held = Buffer.allocUnsafe(length)
        filled = 0
      }
      const part = piece.subarray(at, at + held.byteLength - filled)
      held.set(part, filled)
      filled += part.byteLength
      at += part.byteLength
      if (filled === held.byteLength) {
        const whole = held
        held = undefined
        yield whole
      }
    }
  }

  return function* (pieces) {
    if (pieces instanceof Uint8Array) yield* cut(pieces)
    else for (const piece of pieces) yield* cut(piece)
  }
}

interface PacketReader {
  buffer: { readonly byteLength: number; subarray(): Uint8Array }
  decode(pieces: Pieces): Generator<Uint8Array>
}

/**
 * Lets a connection that Noise has secured read its packets by the decoder above. Noise's own tells the end of what has come by an error that it throws and catches, whose stack costs as
 * much as the rest of a short packet. It is no part of Noise's interface: where it is not found, everything stays as it is.
 */
export function readByPackets(secured: MessageStream): MessageStream {
  const { decoder } = secured as { readonly decoder?: Partial<PacketReader> }
  if (typeof decoder?.decode !== 'function' || decoder.buffer === undefined) return secured
  const decode = createPacketDecoder()
  const { buffer } = decoder
  let begun = false
  decoder.decode = function* (pieces) {
    // Of a packet that came with the end of the handshake Noise may hold the beginning.
    if (!begun && buffer.byteLength > 0) yield* decode(buffer.subarray())
    begun = true
    yield* decode(pieces)
  }
  return secured
}
