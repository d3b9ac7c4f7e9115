import { InstarError, messageOf } from '@instar/core'
import { Level } from 'level'
import { toBytes, type ByteKey } from '../state/layer.js'
import type { Database } from '../state/merged-entries.js'
import { openWhole, type Patience } from './open-whole.js'
import type { WholeTables } from './level-table/whole-tables.js'

/**
 * Opens the state database of a peer, with every batch that its log holds.
 *
 * @param how.tables reads those of its tables that are not known to be whole; absent where the peer has seen to that, or they were just made
 * @param how.patience for a process that has it open and is about to let go of it
 * @throws InstarError DataDirectoryInUse, StateDamaged, DiskFull
 */
export async function openDatabase(
  directory: string,
  how: { readonly tables?: WholeTables; readonly patience?: Patience } = {}
): Promise<Database> {
  try {
    return await openWhole({
      directory,
      damaged: damagedState,
      ...how,
      make: () => new Level<Buffer, Buffer>(directory, { keyEncoding: 'buffer', valueEncoding: 'buffer' })
    })
  } catch (error) {
    throw stateError(error, directory)
  }
}

/** What is said of a file of a state that is not what was written. */
export function damagedState(path: string, what: string): InstarError {
  return new InstarError(
    'StateDamaged',
    `The state is damaged: ${path} is not what was written (${what}). Restore the state and the journal from the same moment, or start this peer anew.`,
    { detail: { path } }
  )
}

/** `level` is classic-level on Node; its types name only what it has in browsers too. */
interface OnDisk {
  compactRange(start: Buffer, end: Buffer): Promise<void>
  approximateSize(start: Buffer, end: Buffer): Promise<number>
}

/** Above every key. */
const nowhere = Buffer.from([0xff])

/** Writes the entries that only the log holds into a table. LevelDB does so whenever it is asked to compact, also a range that is empty. */
export async function writeTables(db: Database): Promise<void> {
  await (db as Database & OnDisk).compactRange(nowhere, nowhere)
}

/** Bytes that the entries of a range take in tables, roughly; what only the log holds is not among them. */
export async function sizeOnDisk(db: Database, from: ByteKey, to: ByteKey): Promise<number> {
  return (db as Database & OnDisk).approximateSize(toBytes(from), toBytes(to))
}

/** The same of a database that is open and cannot be written any more. Opening it again shows what of it is on the disk. */
export function unwritable(error: unknown, directory: string): InstarError {
  const explained = stateError(error, directory)
  if (explained.code !== 'StateDamaged') return explained
  const cause = error instanceof Error && error.cause instanceof Error ? error.cause : error
  return new InstarError(
    'StateDamaged',
    `The state in ${directory} cannot be written any more (${messageOf(cause)}): start the peer again, and restore the state where that does not help.`,
    { detail: { directory }, cause: error }
  )
}

/** The same of a state that was to be built, and that can be built again from the one that serves. */
export function unbuildable(error: unknown, directory: string): InstarError {
  const explained = stateError(error, directory)
  if (explained.code !== 'StateDamaged') return explained
  return new InstarError('StateDamaged', `A state could not be read or written in ${directory}: ${messageOf(error)}.`, {
    detail: { directory },
    cause: error
  })
}

/** What went wrong with the database, in a sentence for people. */
export function stateError(error: unknown, directory: string): InstarError {
  if (error instanceof InstarError) return error
  const cause = error instanceof Error && error.cause instanceof Error ? error.cause : error
  const code = String((cause as { code?: unknown } | undefined)?.code)
  const text = messageOf(cause)
  const detail = { directory }
  if (code === 'LEVEL_LOCKED') {
    return new InstarError(
      'DataDirectoryInUse',
      `The state in ${directory} is open in another process: stop that one first.`,
      { detail, cause: error }
    )
  }
  if (/no space left|ENOSPC|EDQUOT|quota exceeded/i.test(text) || code === 'ENOSPC') {
    return new InstarError(
      'DiskFull',
      `The disk that holds ${directory} is full: make room, and the peer goes on by itself.`,
      {
        detail,
        cause: error
      }
    )
  }
  if (/too many open files|EMFILE|ENFILE/i.test(text)) {
    return new InstarError(
      'ProcessNotStarted',
      `The state in ${directory} cannot be read or written: this machine has no room for more open files. It is tried again.`,
      { detail, cause: error }
    )
  }
  return new InstarError(
    'StateDamaged',
    `The state in ${directory} cannot be read or written (${text}): restore it from a copy, or start this peer anew.`,
    { detail, cause: error }
  )
}
