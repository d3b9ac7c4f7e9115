/** Reflected Castagnoli polynomial; finds every burst of up to 32 bits, which CRC-32 does too, and more double errors in short records. */
const polynomial = 0x82f63b78

/** Eight bytes are taken in one step: the first of them goes through all tables, the last through one. */
const stride = 8
const tableSize = 256

/** One table after the other: what a byte adds to the remainder when so many more bytes follow it. */
const tables = new Int32Array(stride * tableSize)
for (let byte = 0; byte < tableSize; byte++) {
  let remainder = byte
  for (let following = 0; following < stride; following++) {
    for (let bit = 0; bit < 8; bit++) remainder = remainder & 1 ? (remainder >>> 1) ^ polynomial : remainder >>> 1
    tables[following * tableSize + byte] = remainder
  }
}

/** CRC-32C of the parts, one after the other, as an unsigned 32-bit number. Finds accidents, not attackers. */
export function crc32c(...parts: readonly Uint8Array[]): number {
  let remainder = -1
  for (const part of parts) remainder = advance(remainder, part)
  return ~remainder >>> 0
}

// Whole states are read with it before they are opened: byte by byte it takes six times as long. No index is out of range.
/* eslint-disable @typescript-eslint/no-non-null-assertion */
function advance(remainder: number, bytes: Uint8Array): number {
  const t = tables
  let at = 0
  for (const end = bytes.length - (bytes.length % stride); at < end; at += stride) {
    const first = remainder ^ (bytes[at]! | (bytes[at + 1]! << 8) | (bytes[at + 2]! << 16) | (bytes[at + 3]! << 24))
    remainder =
      t[0x700 | (first & 0xff)]! ^
      t[0x600 | ((first >>> 8) & 0xff)]! ^
      t[0x500 | ((first >>> 16) & 0xff)]! ^
      t[0x400 | (first >>> 24)]! ^
      t[0x300 | bytes[at + 4]!]! ^
      t[0x200 | bytes[at + 5]!]! ^
      t[0x100 | bytes[at + 6]!]! ^
      t[bytes[at + 7]!]!
  }
  for (; at < bytes.length; at++) remainder = (remainder >>> 8) ^ t[(remainder ^ bytes[at]!) & 0xff]!
  return remainder
}
