import type { Random } from './random.js'

/** Lengths and counts that somebody would lie with. */
const lies = [0, 1, 0x7f, 0x80, 0xff, 0x100, 0x7fff, 0xffff, 0x10000, 0xffffff, 0x7fffffff, 0x80000000, 0xffffffff]
/** Bytes that mean something to some decoder: MessagePack's containers, JSON's brackets, broken UTF-8, varints. */
const tellingBytes = [
  0x00, 0x01, 0x22, 0x2c, 0x5b, 0x5c, 0x7b, 0x7f, 0x80, 0x91, 0xc1, 0xc0, 0xc7, 0xd4, 0xdd, 0xdf, 0xed, 0xf8, 0xff
]
const repeatsMax = 400

type Mutation = (bytes: Buffer, random: Random, corpus: readonly Uint8Array[]) => Buffer

const mutations: readonly Mutation[] = [
  function flipBit(bytes, random) {
    const at = random.below(bytes.length)
    bytes[at] = (bytes[at] ?? 0) ^ (1 << random.below(8))
    return bytes
  },
  function setByte(bytes, random) {
    bytes[random.below(bytes.length)] = random.once(2) ? random.pick(tellingBytes) : random.below(256)
    return bytes
  },
  function lieAboutLength(bytes, random) {
    const width = random.pick([1, 2, 4])
    if (bytes.length < width) return bytes
    const lie = random.once(3) ? bytes.length + random.below(3) - 1 : random.pick(lies)
    // Lengths stand near the beginning, most often.
    const at = random.below(random.once(2) ? Math.min(12, bytes.length - width + 1) : bytes.length - width + 1)
    bytes.writeUIntBE(Math.max(0, lie) % 2 ** (8 * width), at, width)
    return bytes
  },
  function truncate(bytes, random) {
    return bytes.subarray(0, random.below(bytes.length))
  },
  function cutOut(bytes, random) {
    const at = random.below(bytes.length)
    return Buffer.concat([bytes.subarray(0, at), bytes.subarray(at + 1 + random.below(16))])
  },
  function insert(bytes, random) {
    const at = random.below(bytes.length + 1)
    const inserted = Buffer.from(Array.from({ length: 1 + random.below(16) }, () => random.below(256)))
    return Buffer.concat([bytes.subarray(0, at), inserted, bytes.subarray(at)])
  },
  function repeat(bytes, random) {
    const at = random.below(bytes.length)
    const part = bytes.subarray(at, at + 1 + random.below(random.once(2) ? 4 : 64))
    const copies = Array.from({ length: 1 + random.below(repeatsMax) }, () => part)
    return Buffer.concat([bytes.subarray(0, at), ...copies, bytes.subarray(at)])
  },
  function splice(bytes, random, corpus) {
    const other = random.pick(corpus)
    const [end, from] = [random.below(bytes.length + 1), random.below(other.length + 1)]
    return Buffer.concat([bytes.subarray(0, end), other.subarray(from)])
  },
  function append(bytes, random, corpus) {
    return Buffer.concat([bytes, random.pick(corpus)])
  },
  function breakText(bytes, random) {
    const at = random.below(bytes.length + 1)
    const broken = random.pick(['ff', 'c0af', 'eda080', 'f4908080', 'e28080', 'efbbbf', '00'])
    return Buffer.concat([bytes.subarray(0, at), Buffer.from(broken, 'hex'), bytes.subarray(at)])
  }
]

/** A copy of the bytes with one thing wrong with it; it may be as it was, by chance. */
export function mutateBytes(bytes: Uint8Array, random: Random, corpus: readonly Uint8Array[]): Buffer {
  const copy = Buffer.from(bytes)
  return copy.length === 0 ? Buffer.from([random.below(256)]) : random.pick(mutations)(copy, random, corpus)
}
