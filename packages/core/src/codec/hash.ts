import { sha256 as digest } from '@noble/hashes/sha2.js'
import { concat, fromString, toString } from 'uint8arrays'

/** sha-256 of the parts, one after the other, as 64 hexadecimal digits. Strings count as UTF-8. */
export function sha256Hex(...parts: ReadonlyArray<Uint8Array | string>): string {
  return toHex(digest(concat(parts.map(part => (typeof part === 'string' ? fromString(part, 'utf8') : part)))))
}

/** Two lower-case hexadecimal digits for each byte. */
export function toHex(bytes: Uint8Array): string {
  return toString(bytes, 'base16')
}

/** @throws when the text is not hexadecimal */
export function fromHex(hex: string): Uint8Array {
  return fromString(hex, 'base16')
}
