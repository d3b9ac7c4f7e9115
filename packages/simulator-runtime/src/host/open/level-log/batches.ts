/** One batch as LevelDB's log holds it: its operations have the numbers from `sequence` on. */
export interface LoggedBatch {
  readonly sequence: number
  readonly operations: readonly LoggedOperation[]
}

type LoggedOperation =
  | { readonly type: 'put'; readonly key: Buffer; readonly value: Buffer }
  | { readonly type: 'del'; readonly key: Buffer }

const headerBytes = 12

/** @throws RangeError for bytes that are no batch */
export function parseBatch(record: Buffer): LoggedBatch {
  const sequence = Number(record.readBigUInt64LE(0))
  const count = record.readUInt32LE(8)
  const reader = readerOf(record, headerBytes)
  const operations = Array.from({ length: count }, (): LoggedOperation => {
    const isPut = reader.byte() === 1
    const key = reader.bytes()
    return isPut ? { type: 'put', key, value: reader.bytes() } : { type: 'del', key }
  })
  return { sequence, operations }
}

/** Reads what LevelDB writes: bytes, numbers of variable length, and strings with their length before them. */
export function readerOf(record: Buffer, from: number) {
  let at = from
  const byte = (): number => record.readUInt8(at++)
  const number = (): number => {
    let value = 0
    for (let factor = 1; ; factor *= 128) {
      const next = byte()
      value += (next & 127) * factor
      if (next < 128) {
        // It writes none longer than it has to be.
        if (next === 0 && factor > 1) throw new RangeError('a number with nothing in its last byte')
        return value
      }
    }
  }
  const take = (length: number): Buffer => {
    if (at + length > record.length) throw new RangeError('a string that is longer than its record')
    const found = record.subarray(at, at + length)
    at += length
    return found
  }
  return {
    byte,
    number,
    take,
    bytes: (): Buffer => take(number()),
    get ended(): boolean {
      return at >= record.length
    }
  }
}
