import { decodeValue, encodeValue } from '../../codec/codec.js'
import type { ByteKey } from '../state/layer.js'

/** A call to another peer's object that a command leaves for after its commit (§9). */
export interface Send {
  readonly peer: string
  readonly className: string
  /** The version of the façade that made it (R2): it stays so, whatever this peer has become when it is sent. */
  readonly version: number
  readonly method: string
  readonly args: Uint8Array
  /** As in `OutgoingCall`: commands that leave calls for each other in a circle are found out by it. */
  readonly hops: number
  readonly trail: string
}

/** A send as it waits in the database, with the request id that every attempt carries (§12). */
export interface StoredSend extends Send {
  readonly session: string
  readonly seq: number
  /** Wall clock at the commit, milliseconds since 1970. */
  readonly at: number
}

/** Beside spaces and sessions: neither an upgrade nor going back touches it. */
export const outboxSpace = { lower: 'o!', lowerInside: true, upper: 'o"', upperInside: false }

const format = 1

/** In the order of the commits. */
export function sendKey(order: number): ByteKey {
  return `o!${order.toString(16).padStart(14, '0')}`
}

export function orderOf(key: ByteKey): number {
  return Number.parseInt(key.slice(2), 16)
}

export function encodeSend(send: StoredSend): Buffer {
  const { session, seq, at, peer, className, version, method, args, hops, trail } = send
  return Buffer.from(encodeValue([format, session, seq, at, peer, className, version, method, args, hops, trail]))
}

/** `undefined` for what this release cannot read. */
export function decodeSend(bytes: Uint8Array): StoredSend | undefined {
  let record: unknown
  try {
    record = decodeValue(bytes)
  } catch {
    return undefined
  }
  if (!Array.isArray(record) || record[0] !== format) return undefined
  const [, session, seq, at, peer, className, version, method, args, hops, trail] = record as unknown[]
  const isWhole =
    [session, peer, className, method, trail].every(each => typeof each === 'string') &&
    [seq, at, version, hops].every(each => typeof each === 'number') &&
    args instanceof Uint8Array
  return isWhole ? ({ session, seq, at, peer, className, version, method, args, hops, trail } as StoredSend) : undefined
}
