import { readerOf } from './batches.js'
import { readLogRecords } from './log-records.js'

export interface Manifest {
  /** Logs that LevelDB replays when it opens: those from this number on, and the one before a compaction that was under way. */
  readonly logsFrom: number
  readonly previousLog: number
  /** The number of the newest operation, as it was when this was written. */
  readonly lastSequence: number
  /** By the number of each table that belongs to the database: its bytes. */
  readonly tables: ReadonlyMap<number, number>
  /** Where it is not what was written, if it is not. */
  readonly damagedAt?: number
}

// Fields of a record of the manifest (LevelDB's db/version_edit.cc), by what follows them.
const logNumber = 2
const lastSequence = 4
const deletedFile = 6
const newFile = 7
const previousLogNumber = 9
const skip: Readonly<Record<number, (reader: ReturnType<typeof readerOf>) => readonly unknown[]>> = {
  1: reader => [reader.bytes()],
  3: reader => [reader.number()],
  5: reader => [reader.number(), reader.bytes()]
}

/** Undefined: it says what this does not know, and LevelDB shall be the judge of it. */
export function parseManifest(bytes: Buffer): Manifest | undefined {
  const tables = new Map<number, number>()
  const found = { logsFrom: 0, previousLog: 0, lastSequence: 0, tables }
  const { records, end, endsAt } = readLogRecords(bytes)
  for (const record of records) {
    const reader = readerOf(record, 0)
    while (!reader.ended) {
      const field = reader.number()
      if (field === logNumber) found.logsFrom = reader.number()
      else if (field === previousLogNumber) found.previousLog = reader.number()
      else if (field === lastSequence) found.lastSequence = reader.number()
      else if (field === deletedFile) {
        reader.number()
        tables.delete(reader.number())
      } else if (field === newFile) {
        reader.number()
        tables.set(reader.number(), reader.number())
        reader.bytes()
        reader.bytes()
      } else if (skip[field] !== undefined) skip[field](reader)
      else return undefined
    }
  }
  return end === 'damaged' ? { ...found, damagedAt: endsAt } : found
}
