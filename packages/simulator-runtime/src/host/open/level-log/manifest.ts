import { readerOf } from './batches.js'
import { readLogRecords } from './log-records.js'

export interface Manifest {
  /** Logs that LevelDB replays when it opens: those from this number on, and the one before a compaction that was under way. */
  readonly logsFrom: number
  readonly previousLog: number
  /** The number of the newest operation, as it was when this was written. */
  readonly lastSequence: number
}

// Fields of a record of the manifest (LevelDB's db/version_edit.cc), by what follows them.
const logNumber = 2
const lastSequence = 4
const previousLogNumber = 9
const skip: Readonly<Record<number, (reader: ReturnType<typeof readerOf>) => readonly unknown[]>> = {
  1: reader => [reader.bytes()],
  3: reader => [reader.number()],
  5: reader => [reader.number(), reader.bytes()],
  6: reader => [reader.number(), reader.number()],
  7: reader => [reader.number(), reader.number(), reader.number(), reader.bytes(), reader.bytes()]
}

/** Undefined: it says what this does not know, and LevelDB shall be the judge of it. */
export function parseManifest(bytes: Buffer): Manifest | undefined {
  const found = { logsFrom: 0, previousLog: 0, lastSequence: 0 }
  for (const record of readLogRecords(bytes).records) {
    const reader = readerOf(record, 0)
    while (!reader.ended) {
      const field = reader.number()
      if (field === logNumber) found.logsFrom = reader.number()
      else if (field === previousLogNumber) found.previousLog = reader.number()
      else if (field === lastSequence) found.lastSequence = reader.number()
      else if (skip[field] !== undefined) skip[field](reader)
      else return undefined
    }
  }
  return found
}
