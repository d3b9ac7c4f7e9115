import { crc32c } from '@instar/core'
import { readerOf } from '../level-log/batches.js'
import { unmask } from '../level-log/checksum.js'
import { unsnap } from './snappy.js'

// The form of LevelDB's tables (its doc/table_format.md): blocks of entries, blocks of filters, an index of the filters, an index of the
// blocks, and a footer that says where these two are. Each block has its kind and a checksum behind it. LevelDB writes them one behind the
// other, so every byte of a table is in one of them, or in the footer: where they leave a gap, it is not what was written.
const footerBytes = 48
const magicBytes = 8
const magic = 0xdb4775248b80fb57n
const trailerBytes = 5
const compressed = 1

/** Where the contents of a block are. */
interface Handle {
  readonly offset: number
  readonly size: number
}

/** So many bytes are looked at without a pause. */
const sliceBytes = 256 * 1024

/** What tells that a table is not what LevelDB wrote, if anything does. */
export function judgeTable(bytes: Buffer): string | undefined {
  const looking = lookAtTable(bytes)
  for (;;) {
    const { done, value } = looking.next()
    if (done === true) return value
  }
}

/** The same, with a pause after each slice: a fraction of a millisecond. */
export function* lookAtTable(bytes: Buffer): Generator<undefined, string | undefined> {
  try {
    const { metaIndex, index } = footerOf(bytes)
    let at = 0
    let paused = 0
    for (const block of blocksOf(bytes, metaIndex, index)) {
      if (block.offset !== at) return `at byte ${at} no block begins`
      assertWhole(bytes, block)
      at = endOf(block)
      if (at - paused < sliceBytes) continue
      paused = at
      yield
    }
    return at === bytes.length - footerBytes ? undefined : `at byte ${at} its footer should begin`
  } catch (error) {
    if (error instanceof Flaw) return error.message
    // What a reader finds behind the last byte that it may read.
    if (error instanceof RangeError) return 'its blocks are not where it says'
    throw error
  }
}

class Flaw extends Error {}

function footerOf(bytes: Buffer): { readonly metaIndex: Handle; readonly index: Handle } {
  if (bytes.length < footerBytes) throw new Flaw('it is shorter than its footer')
  const footer = bytes.subarray(-footerBytes)
  if (footer.readBigUInt64LE(footerBytes - magicBytes) !== magic)
    throw new Flaw('its last bytes are not those of a table')
  const reader = readerOf(footer.subarray(0, -magicBytes), 0)
  const metaIndex = handleOf(reader)
  const index = handleOf(reader)
  while (!reader.ended) if (reader.byte() !== 0) throw new Flaw('its footer is not what was written')
  return { metaIndex, index }
}

/** All blocks, in the order in which they were written. */
function* blocksOf(bytes: Buffer, metaIndex: Handle, index: Handle): Generator<Handle> {
  yield* handlesIn(bytes, index)
  yield* handlesIn(bytes, metaIndex)
  yield metaIndex
  yield index
}

/** What the entries of an index point to. */
function* handlesIn(bytes: Buffer, index: Handle): Generator<Handle> {
  assertWhole(bytes, index)
  const stored = bytes.subarray(index.offset, index.offset + index.size)
  const block = bytes.readUInt8(index.offset + index.size) === compressed ? unsnap(stored) : stored
  if (block === undefined) throw new Flaw(`the index at byte ${index.offset} cannot be read`)
  // At its end: where its entries can be searched from, and how many such places there are.
  const restarts = block.readUInt32LE(block.length - 4)
  const entries = block.subarray(0, Math.max(0, block.length - 4 * (restarts + 1)))
  const reader = readerOf(entries, 0)
  while (!reader.ended) {
    reader.number()
    const keyBytes = reader.number()
    const valueBytes = reader.number()
    reader.take(keyBytes)
    yield handleOf(readerOf(reader.take(valueBytes), 0))
  }
}

function handleOf(reader: ReturnType<typeof readerOf>): Handle {
  return { offset: reader.number(), size: reader.number() }
}

function endOf({ offset, size }: Handle): number {
  return offset + size + trailerBytes
}

function assertWhole(bytes: Buffer, block: Handle): void {
  const { offset, size } = block
  if (endOf(block) > bytes.length - footerBytes) throw new Flaw(`a block at byte ${offset} reaches beyond its end`)
  const kindAt = offset + size
  if (unmask(bytes.readUInt32LE(kindAt + 1)) !== crc32c(bytes.subarray(offset, kindAt + 1)))
    throw new Flaw(`the block at byte ${offset} is not what was written`)
}
