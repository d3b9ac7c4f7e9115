// LevelDB compresses blocks with Snappy (its format_description.txt): a length, then elements that are bytes or copies of what came before.

/** A copy of 64 bytes takes three: no honest length is beyond. */
const growthMax = 24

/** The bytes that were compressed; undefined where these are not Snappy's. */
export function unsnap(bytes: Buffer): Buffer | undefined {
  const header = lengthOf(bytes)
  if (header === undefined || header.length > bytes.length * growthMax) return undefined
  const out = Buffer.alloc(header.length)
  let at = header.at
  let to = 0
  while (at < bytes.length) {
    const tag = bytes.readUInt8(at)
    const more = moreOf(tag)
    if (at + 1 + more > bytes.length) return undefined
    const number = more === 0 ? 0 : bytes.readUIntLE(at + 1, more)
    at += 1 + more
    let length: number
    if ((tag & 3) === 0) {
      length = (more === 0 ? tag >> 2 : number) + 1
      if (at + length > bytes.length || to + length > out.length) return undefined
      bytes.copy(out, to, at, at + length)
      at += length
    } else {
      length = (tag & 3) === 1 ? ((tag >> 2) & 7) + 4 : (tag >> 2) + 1
      const offset = (tag & 3) === 1 ? ((tag >> 5) << 8) | number : number
      if (offset === 0 || offset > to || to + length > out.length) return undefined
      // A copy may reach into what it makes.
      for (let i = to; i < to + length; i++) out.writeUInt8(out.readUInt8(i - offset), i)
    }
    to += length
  }
  return to === out.length ? out : undefined
}

/** How many bytes after the tag say how long, or how far back. */
function moreOf(tag: number): number {
  const kind = tag & 3
  if (kind === 0) return Math.max(0, (tag >> 2) - 59)
  return kind === 3 ? 4 : kind
}

function lengthOf(bytes: Buffer): { readonly length: number; readonly at: number } | undefined {
  let length = 0
  for (let at = 0; at < Math.min(5, bytes.length); at++) {
    const byte = bytes.readUInt8(at)
    length += (byte & 127) * 128 ** at
    if (byte < 128) return { length, at: at + 1 }
  }
  return undefined
}
