import { Packr } from 'msgpackr'
import { shapeFlaw } from './shape.js'

export { contractMethod, parseServedContract, type ServedContract, type ServedMethod } from './served-contract.js'

/** Nesting of values that is read; deeper is refused before anything is built. */
export const valueDepthMax = 64
/** A larger value is not read. */
export const valueBytesMax = 16 * 1024 * 1024
/** Values, keys and containers together. */
export const valueItemsMax = 1_000_000

/** The bytes are no value that may be read here. The only error that {@link decodeValue} throws. */
export class InvalidInput extends Error {
  override readonly name = 'InvalidInput'
}

// Plain MessagePack: no shared structures, so that every value stands alone and any implementation reads it.
const packr = new Packr({ useRecords: false, moreTypes: false, structuredClone: false, int64AsType: 'bigint' })

/**
 * A value as plain MessagePack, for arguments and results.
 *
 * @throws TypeError for what no value is: a function, a symbol, a circular or too deep structure
 */
export function encodeValue(value: unknown): Uint8Array {
  assertPlain(value, 0)
  return packr.encode(value)
}

/** Reads a value from untrusted bytes: size, depth and counts are checked by one linear scan before anything is built. @throws InvalidInput */
export function decodeValue(bytes: Uint8Array): unknown {
  if (bytes.byteLength > valueBytesMax) {
    throw new InvalidInput(`a value of ${bytes.byteLength} bytes, at most ${valueBytesMax} are read`)
  }
  const flaw = shapeFlaw(bytes, valueDepthMax, valueItemsMax)
  if (flaw !== undefined) throw new InvalidInput(flaw)
  try {
    return packr.decode(bytes)
  } catch (error) {
    throw new InvalidInput('the bytes are not MessagePack', { cause: error })
  }
}

/** msgpackr would leave functions and symbols out without a word, and follow a circle until the stack ends. */
function assertPlain(value: unknown, depth: number): void {
  if (typeof value === 'function' || typeof value === 'symbol') throw new TypeError(`a ${typeof value} is no value`)
  if (typeof value !== 'object' || value === null) return
  if (ArrayBuffer.isView(value) || value instanceof Date) return
  if (depth >= valueDepthMax) throw new TypeError(`nested more than ${valueDepthMax} deep, or in a circle`)
  if (Array.isArray(value)) {
    for (const item of value) assertPlain(item, depth + 1)
    return
  }
  const prototype: unknown = Object.getPrototypeOf(value)
  if (prototype !== Object.prototype && prototype !== null) {
    throw new TypeError('values are plain objects, arrays, numbers, strings, booleans, bytes and dates')
  }
  for (const key in value) assertPlain((value as Record<string, unknown>)[key], depth + 1)
}
