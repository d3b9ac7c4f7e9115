import type { Level } from 'level'
import type { Database } from '../state/merged-entries.js'
import type { Damaged } from './level-log/current.js'
import { assureWritten, readUnwritten } from './level-log/unwritten.js'
import type { WholeTables } from './level-table/whole-tables.js'

export interface OpenWholeInit<K, V> {
  readonly directory: string
  /** A database there, not open yet; it may open by itself as soon as it is made. */
  readonly make: () => Level<K, V>
  /** Makes the error for a file that is not what was written. */
  readonly damaged: Damaged
  /** Reads the tables that it does not know to be whole. Absent: somebody has. */
  readonly tables?: WholeTables | undefined
}

/**
 * Opens a LevelDB database with everything that was written to it, or not at all: LevelDB itself passes over what it cannot read.
 *
 * @throws what `damaged` makes of a file, InstarError DataDirectoryInUse, and what level throws
 */
export async function openWhole<K, V>(init: OpenWholeInit<K, V>): Promise<Level<K, V>> {
  const { directory, damaged, tables } = init
  // Before LevelDB comes to see them: it may begin to write others from them at once.
  await tables?.look({ directory, damaged })
  const unwritten = await readUnwritten(directory, damaged)
  const db = init.make()
  try {
    await db.open()
    await assureWritten(db as unknown as Database, directory, unwritten, damaged)
    return db
  } catch (error) {
    await db.close().catch(() => undefined)
    throw error
  }
}
