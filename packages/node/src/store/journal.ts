import type { Json } from '@instar/core'

export interface JournalEntry {
  readonly type: string
  readonly body: Json
}

export interface OpenJournal {
  /** What the file held when it was opened, oldest first; the state of the peer is their fold (§11). */
  readonly records: readonly JournalEntry[]
  /** Appends all entries with one fsync. Calls are served in order. @throws InstarError DiskFull */
  append(entries: readonly JournalEntry[]): Promise<void>
  /** Replaces the file by these entries: written aside, synced, renamed, directory synced. Killed anywhere, one of the two files is whole. */
  compact(entries: readonly JournalEntry[]): Promise<void>
  /** Bytes in the file, for deciding when to compact. */
  readonly bytes: number
  close(): Promise<void>
}

/**
 * Opens the journal, making it where it does not exist. A torn last record is cut off.
 *
 * @throws InstarError JournalDamaged for a bad record in the middle
 */
export async function openJournal(_path: string): Promise<OpenJournal> {
  throw new Error('not built yet')
}
