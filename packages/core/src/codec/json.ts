import { fromString, toString } from 'uint8arrays'
import { accept, reject, type Verdict } from '../verdict.js'

/** What JSON can carry. */
export type Json = null | boolean | number | string | readonly Json[] | { readonly [key: string]: Json }

/**
 * The one byte form of a value: keys sorted by code unit, no white space, safe integers only. What is hashed or signed goes
 * through here (TUF metadata have their own canonical form, see the signer).
 *
 * @throws TypeError for a value that JSON cannot carry, or for a number that is not a safe integer
 */
export function toCanonicalJson(value: Json): Uint8Array {
  return fromString(canonicalText(value), 'utf8')
}

function canonicalText(value: Json): string {
  if (value === null || typeof value === 'boolean' || typeof value === 'string') return JSON.stringify(value)
  if (typeof value === 'number') {
    if (!Number.isSafeInteger(value)) throw new TypeError(`canonical JSON carries safe integers only, not ${value}`)
    return String(value)
  }
  if (Array.isArray(value)) return `[${value.map(canonicalText).join(',')}]`
  if (typeof value !== 'object') throw new TypeError(`canonical JSON cannot carry a ${typeof value}`)
  const object = value as { readonly [key: string]: Json }
  const fields = Object.keys(object)
    .filter(key => object[key] !== undefined)
    .sort()
    .map(key => `${JSON.stringify(key)}:${canonicalText(object[key] as Json)}`)
  return `{${fields.join(',')}}`
}

/** Bounds of a document, checked before it is parsed (R19: nothing super-linear is spent on bytes that nobody has signed). */
export interface JsonLimits {
  readonly bytesMax: number
  readonly depthMax: number
  /** Values and keys together, counted by their separators. */
  readonly itemsMax: number
}

/**
 * Parses JSON that came from a peer: size, depth and count are checked by one linear scan of the bytes before `JSON.parse` sees them.
 * Never throws.
 */
export function parseBoundedJson(bytes: Uint8Array, limits: JsonLimits): Verdict<Json> {
  if (bytes.byteLength > limits.bytesMax) {
    return reject('TooLarge', `${bytes.byteLength} bytes, at most ${limits.bytesMax} are read`)
  }
  const shape = scanShape(bytes, limits)
  if (shape !== undefined) return shape
  try {
    return accept(JSON.parse(toString(bytes, 'utf8')) as Json)
  } catch {
    return reject('NotJson', 'the bytes are not JSON')
  }
}

const quote = 0x22
const backslash = 0x5c

function scanShape(bytes: Uint8Array, limits: JsonLimits): Verdict<never> | undefined {
  let depth = 0
  let items = 1
  let inString = false
  for (let i = 0; i < bytes.length; i++) {
    const byte = bytes[i]
    if (inString) {
      if (byte === backslash) i++
      else if (byte === quote) inString = false
    } else if (byte === quote) {
      inString = true
    } else if (byte === 0x7b || byte === 0x5b) {
      if (++depth > limits.depthMax) return reject('TooDeep', `nested more than ${limits.depthMax} deep`)
      if (++items > limits.itemsMax) return reject('TooManyItems', `more than ${limits.itemsMax} items`)
    } else if (byte === 0x7d || byte === 0x5d) {
      depth--
    } else if (byte === 0x2c || byte === 0x3a) {
      if (++items > limits.itemsMax) return reject('TooManyItems', `more than ${limits.itemsMax} items`)
    }
  }
  return undefined
}
