/** LevelDB stores checksums so that one of bytes that hold checksums is of use. */
export function unmask(stored: number): number {
  const rotated = (stored - 0xa282ead8) >>> 0
  return ((rotated >>> 17) | (rotated << 15)) >>> 0
}
