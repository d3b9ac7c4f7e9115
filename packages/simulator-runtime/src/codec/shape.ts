/**
 * Walks MessagePack without building anything and says what is wrong with it. A decoder believes the lengths that it reads: five bytes
 * can ask it for an array of four thousand million items, and a few hundred kilobytes for a nesting that ends the stack. So no length is
 * believed here unless the bytes that remain could hold it.
 */
export function shapeFlaw(bytes: Uint8Array, depthMax: number, itemsMax: number): string | undefined {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  const end = bytes.byteLength
  /** How many items each open container still lacks, innermost last. */
  const open: number[] = []
  let missing = 1
  let items = 0
  let at = 0
  while (missing > 0) {
    if (at >= end) return 'the value is cut off'
    if (++items > itemsMax) return `more than ${itemsMax} items`
    missing--
    const token = view.getUint8(at)
    const size = sizeOf(token, view, at)
    if (size === undefined) return 'the value uses a type that is not plain MessagePack'
    at += size.bytes
    if (at > end) return 'the value is cut off'
    if (size.items > 0) {
      if (size.items > end - at) return 'the value claims more items than it has bytes'
      if (open.length >= depthMax) return `nested more than ${depthMax} deep`
      open.push(missing)
      missing = size.items
    }
    while (missing === 0 && open.length > 0) missing = open.pop() ?? 0
  }
  return at === end ? undefined : 'bytes follow the value'
}

interface Size {
  /** Of the token with its own data. */
  readonly bytes: number
  /** Values that follow as its content. */
  readonly items: number
}

const fixed = (bytes: number): Size => ({ bytes, items: 0 })
const fixedSizes = new Map<number, Size>([
  [0xc0, fixed(1)], // nil
  [0xc2, fixed(1)], // false
  [0xc3, fixed(1)], // true
  [0xca, fixed(5)], // float 32
  [0xcb, fixed(9)], // float 64
  [0xcc, fixed(2)],
  [0xcd, fixed(3)],
  [0xce, fixed(5)],
  [0xcf, fixed(9)], // unsigned integers
  [0xd0, fixed(2)],
  [0xd1, fixed(3)],
  [0xd2, fixed(5)],
  [0xd3, fixed(9)] // integers
])
const one = fixed(1)
const timestamp = 0xff
/** `undefined`, as extension 0 of one byte: a method without a result answers it. */
const nothing = 0

function sizeOf(token: number, view: DataView, at: number): Size | undefined {
  if (token <= 0x7f || token >= 0xe0) return one
  if (token <= 0x8f) return { bytes: 1, items: 2 * (token & 0x0f) }
  if (token <= 0x9f) return { bytes: 1, items: token & 0x0f }
  if (token <= 0xbf) return fixed(1 + (token & 0x1f))
  const plain = fixedSizes.get(token)
  if (plain !== undefined) return plain
  const left = view.byteLength - at
  switch (token) {
    case 0xc4: // bytes
    case 0xd9: // string
      return left < 2 ? fixed(2) : fixed(2 + view.getUint8(at + 1))
    case 0xc5:
    case 0xda:
      return left < 3 ? fixed(3) : fixed(3 + view.getUint16(at + 1))
    case 0xc6:
    case 0xdb:
      return left < 5 ? fixed(5) : fixed(5 + view.getUint32(at + 1))
    case 0xdc: // array
      return left < 3 ? fixed(3) : { bytes: 3, items: view.getUint16(at + 1) }
    case 0xdd:
      return left < 5 ? fixed(5) : { bytes: 5, items: view.getUint32(at + 1) }
    case 0xde: // map
      return left < 3 ? fixed(3) : { bytes: 3, items: 2 * view.getUint16(at + 1) }
    case 0xdf:
      return left < 5 ? fixed(5) : { bytes: 5, items: 2 * view.getUint32(at + 1) }
    // Of the extensions only time and `undefined` are plain; msgpackr's own (records, references, sets …) would let bytes name behaviour.
    case 0xd4:
      return left < 3 || view.getUint8(at + 1) === nothing ? fixed(3) : undefined
    case 0xd6:
      return left < 6 || view.getUint8(at + 1) === timestamp ? fixed(6) : undefined
    case 0xd7:
      return left < 10 || view.getUint8(at + 1) === timestamp ? fixed(10) : undefined
    case 0xc7:
      return left < 15 || (view.getUint8(at + 1) === 12 && view.getUint8(at + 2) === timestamp) ? fixed(15) : undefined
    default:
      return undefined
  }
}
