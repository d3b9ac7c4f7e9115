/**
 * A frame is `u32be length of the rest | u8 kind | u32be id | payload`. `id` pairs a request with what answers it; each end counts its own.
 */
export const frameKind = {
  /** JSON: who I am and what I speak. The first frame of each end between peers; later ones replace it. */
  hello: 1,
  /** `u16be header length | call header | arguments`. */
  call: 2,
  /** The result's bytes. */
  reply: 3,
  /** A call error, see `call/failure.ts`. */
  failure: 4,
  /** The caller no longer waits. */
  cancel: 5,
  ping: 6,
  pong: 7,
  /** JSON: no more calls from me, and why. An end of the stream without it is a failure. */
  goodbye: 8
} as const

export type FrameKind = (typeof frameKind)[keyof typeof frameKind]

export interface Frame {
  readonly kind: FrameKind
  readonly id: number
  /** A view of the bytes received: copy what is kept for long. */
  readonly payload: Uint8Array
}

/** What is wrong with bytes of the other end: the channel ends, and says so. Never thrown. */
export interface ProtocolFault {
  readonly code: string
  readonly detail: string
}

/** Length field, kind and id. */
export const frameHeadBytes = 9
/** Bytes that the length field counts besides the payload. */
export const frameRestBytes = 5

const kindMax = frameKind.goodbye

export function isFrameKind(value: number): value is FrameKind {
  return Number.isInteger(value) && value >= 1 && value <= kindMax
}

/** Writes the nine bytes before a payload. */
export function writeFrameHead(
  target: Uint8Array,
  at: number,
  kind: FrameKind,
  id: number,
  payloadBytes: number
): void {
  writeUint32(target, at, payloadBytes + frameRestBytes)
  target[at + 4] = kind
  writeUint32(target, at + 5, id)
}

/** A whole frame as one piece; the channel itself writes heads straight into what it sends. */
export function encodeFrame(kind: FrameKind, id: number, payload: Uint8Array): Uint8Array {
  const bytes = new Uint8Array(frameHeadBytes + payload.byteLength)
  writeFrameHead(bytes, 0, kind, id, payload.byteLength)
  bytes.set(payload, frameHeadBytes)
  return bytes
}

export function writeUint32(target: Uint8Array, at: number, value: number): void {
  target[at] = value >>> 24
  target[at + 1] = value >>> 16
  target[at + 2] = value >>> 8
  target[at + 3] = value
}

/** The caller has checked that four bytes are there. */
export function readUint32(source: Uint8Array, at: number): number {
  return (
    (source[at] as number) * 0x1000000 +
    (((source[at + 1] as number) << 16) | ((source[at + 2] as number) << 8) | (source[at + 3] as number))
  )
}
