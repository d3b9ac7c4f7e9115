import { open, readFile, rename, rm } from 'node:fs/promises'
import { dirname } from 'node:path'
import { decodeJournal, encodeJournalRecord, InstarError, type Json } from '@instar/core'
import { AppendOnlyFile } from './append-only-file.js'
import { errorCodeOf, onDisk } from './disk-errors.js'
import { syncDirectory, writeAllSynced } from './durable-file.js'

/** The form of the bodies that this release writes (§16). */
const bodyFormat = 1

export interface JournalEntry {
  readonly type: string
  readonly body: Json
}

export interface OpenJournal {
  /** What the file held when it was opened, oldest first; the state of the peer is their fold (§11). */
  readonly records: readonly JournalEntry[]
  /** Whether opening cut off a torn last record. */
  readonly torn: boolean
  /** Bytes in the file, for deciding when to compact. */
  readonly bytes: number
  /** Appends all entries with one fsync. Calls are served in order. @throws InstarError DiskFull */
  append(entries: readonly JournalEntry[]): Promise<void>
  /** Replaces the file by these entries. Killed anywhere, one of the two files is there and whole. */
  compact(entries: readonly JournalEntry[]): Promise<void>
  /** Waits for what was asked before. */
  close(): Promise<void>
}

/**
 * Opens the journal, making it where it does not exist. A torn last record is cut off: it was never acknowledged.
 *
 * @throws InstarError JournalDamaged for a record that was whole once and is not any more; the file is left as it is
 */
export async function openJournal(path: string): Promise<OpenJournal> {
  // Left behind by a compaction that was killed before its rename: the old file is the journal.
  await onDisk(path, () => rm(asidePath(path), { force: true }))
  const contents = await onDisk(path, () => readWhole(path))
  const read = decodeJournal(contents)
  if (read.outcome === 'damaged') {
    throw new InstarError(
      'JournalDamaged',
      `Record ${read.index + 1} of the journal ${path}, at byte ${read.offset}, is damaged (${read.detail}): restore the file from a backup, or start a new peer with an empty data directory.`,
      { detail: { path, record: read.index + 1, offset: read.offset } }
    )
  }
  const file = new AppendOnlyFile(`The journal ${path}`)
  await onDisk(path, async () => {
    const handle = await open(path, 'a', 0o600)
    if (read.outcome === 'torn') await handle.truncate(read.bytes)
    await handle.sync()
    await syncDirectory(dirname(path))
    await file.goOnWith(path, handle, read.bytes)
  })
  const records = read.records.map(({ type, body }) => ({ type, body }))
  return new JournalFile(path, file, records, read.outcome === 'torn', (read.records.at(-1)?.seq ?? 0) + 1)
}

class JournalFile implements OpenJournal {
  constructor(
    private readonly path: string,
    private readonly file: AppendOnlyFile,
    readonly records: readonly JournalEntry[],
    readonly torn: boolean,
    private nextSeq: number
  ) {}

  get bytes(): number {
    return this.file.bytes
  }

  append(entries: readonly JournalEntry[]): Promise<void> {
    return this.file.inOrder(async () => {
      await this.file.append(this.encode(entries))
      this.nextSeq += entries.length
    })
  }

  compact(entries: readonly JournalEntry[]): Promise<void> {
    return this.file.inOrder(async () => {
      const aside = asidePath(this.path)
      const encoded = this.encode(entries)
      await onDisk(aside, async () => {
        await rm(aside, { force: true })
        const next = await open(aside, 'a', 0o600)
        try {
          await writeAllSynced(next, encoded)
          await rename(aside, this.path)
        } catch (thrown) {
          await next.close()
          await rm(aside, { force: true })
          throw thrown
        }
        await this.file.goOnWith(this.path, next, encoded.length)
        this.nextSeq += entries.length
        await syncDirectory(dirname(this.path))
      })
    })
  }

  close(): Promise<void> {
    return this.file.close()
  }

  private encode(entries: readonly JournalEntry[]): Buffer {
    return Buffer.concat(
      entries.map(({ type, body }, i) => encodeJournalRecord({ seq: this.nextSeq + i, format: bodyFormat, type, body }))
    )
  }
}

function asidePath(path: string): string {
  return `${path}.new`
}

async function readWhole(path: string): Promise<Uint8Array> {
  try {
    return await readFile(path)
  } catch (thrown) {
    if (errorCodeOf(thrown) === 'ENOENT') return new Uint8Array()
    throw thrown
  }
}
