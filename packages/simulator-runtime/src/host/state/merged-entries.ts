import type { Level } from 'level'
import type { EntrySource } from './access.js'
import { toBytes, type ByteKey, type KeyRange } from './layer.js'

export type Database = Level<Buffer, Buffer>
export type Snapshot = ReturnType<Database['snapshot']>

/** Entries of the database in a range, from its state at this moment or from a snapshot. */
export function storedEntries(
  db: Database,
  range: KeyRange,
  options: { readonly reverse: boolean; readonly limit: number; readonly snapshot?: Snapshot | undefined }
): EntrySource {
  const iterator = db.iterator({
    [range.lowerInside ? 'gte' : 'gt']: toBytes(range.lower),
    [range.upperInside ? 'lte' : 'lt']: toBytes(range.upper),
    reverse: options.reverse,
    limit: options.limit,
    ...(options.snapshot === undefined ? {} : { snapshot: options.snapshot })
  })
  return {
    next: async count => {
      const entries = await iterator.nextv(count)
      return entries.map(([key, value]): [ByteKey, Buffer] => [key.toString('latin1'), value])
    },
    close: () => iterator.close()
  }
}

/** Writes over stored entries: both in the same order, a write hides what is stored under its key. */
export function mergedEntries(
  stored: EntrySource,
  writes: ReadonlyArray<[key: ByteKey, value: Buffer | null]>,
  reverse: boolean
): EntrySource {
  let at = 0
  let ahead: Array<[ByteKey, Buffer]> = []
  let ended = false
  const before = (a: ByteKey, b: ByteKey): boolean => (reverse ? a > b : a < b)

  return {
    next: async count => {
      const merged: Array<[ByteKey, Buffer]> = []
      while (merged.length < count) {
        if (ahead.length === 0 && !ended) {
          ahead = (await stored.next(count)).reverse()
          ended = ahead.length === 0
        }
        const old = ahead.at(-1)
        const write = writes[at]
        if (old === undefined && write === undefined) break
        if (write === undefined || (old !== undefined && before(old[0], write[0]))) {
          merged.push(old as [ByteKey, Buffer])
          ahead.pop()
          continue
        }
        if (old !== undefined && old[0] === write[0]) ahead.pop()
        if (write[1] !== null) merged.push([write[0], write[1]])
        at++
      }
      return merged
    },
    close: () => stored.close()
  }
}
