/** Reflected Castagnoli polynomial; finds every burst of up to 32 bits, which CRC-32 does too, and more double errors in short records. */
const polynomial = 0x82f63b78

const table = Uint32Array.from({ length: 256 }, (_, byte) => {
  let remainder = byte
  for (let bit = 0; bit < 8; bit++) remainder = remainder & 1 ? (remainder >>> 1) ^ polynomial : remainder >>> 1
  return remainder
})

/** CRC-32C of the parts, one after the other, as an unsigned 32-bit number. Finds accidents, not attackers. */
export function crc32c(...parts: readonly Uint8Array[]): number {
  let remainder = 0xffffffff
  for (const part of parts) {
    for (const byte of part) remainder = (remainder >>> 8) ^ (table[(remainder ^ byte) & 0xff] ?? 0)
  }
  return (remainder ^ 0xffffffff) >>> 0
}
