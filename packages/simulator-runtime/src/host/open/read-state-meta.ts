import type { StateMeta } from '@instar/core'
import { access } from 'node:fs/promises'
import { join } from 'node:path'
import { openDatabase } from './database.js'
import { WholeTables } from './level-table/whole-tables.js'
import { readMeta } from './meta.js'

/**
 * Which version a state directory belongs to, read without a host: what a peer asks before it starts its first one (§10). `undefined`
 * where there has never been a state. Reads all of its tables that are not known to be whole.
 *
 * @throws InstarError StateDamaged, DataDirectoryInUse when a host has it open, DiskFull
 */
export async function readStateMeta(directory: string, tables = new WholeTables()): Promise<StateMeta | undefined> {
  // Opening would make it: a directory without LevelDB's own first file has never been one.
  if (!(await exists(join(directory, 'CURRENT')))) return undefined
  const db = await openDatabase(directory, { tables })
  try {
    return (await readMeta(db, directory))?.meta
  } finally {
    await db.close()
  }
}

async function exists(path: string): Promise<boolean> {
  try {
    await access(path)
    return true
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return false
    throw error
  }
}
