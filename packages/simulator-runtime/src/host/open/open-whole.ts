import { setTimeout as wait } from 'node:timers/promises'
import { InstarError } from '@instar/core'
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
  /** How long to wait for a process that has it open and is about to let go of it. Standard: not at all. */
  readonly patience?: Patience | undefined
}

export interface Patience {
  readonly ms: number
  readonly signal: AbortSignal
}

/** Twice as long after each try. */
const lockedMs = { first: 1, most: 20 }

/**
 * Opens a LevelDB database with everything that was written to it, or not at all: LevelDB itself passes over what it cannot read.
 *
 * @throws what `damaged` makes of a file, InstarError DataDirectoryInUse, and what level throws
 */
export async function openWhole<K, V>(init: OpenWholeInit<K, V>): Promise<Level<K, V>> {
  const { directory, damaged, tables, patience } = init
  // Before LevelDB comes to see them: it may begin to write others from them at once.
  await tables?.look({ directory, damaged })
  const until = performance.now() + (patience?.ms ?? 0)
  for (let pauseMs = lockedMs.first; ; pauseMs = Math.min(2 * pauseMs, lockedMs.most)) {
    try {
      return await openNow(init)
    } catch (error) {
      if (!isInUse(error) || performance.now() >= until || patience?.signal.aborted === true) throw error
    }
    await wait(pauseMs)
  }
}

/** What was read of the log counts for the opening that comes right after it: somebody else may write in between two tries. */
async function openNow<K, V>({ directory, make, damaged }: OpenWholeInit<K, V>): Promise<Level<K, V>> {
  const unwritten = await readUnwritten(directory, damaged)
  const db = make()
  try {
    await db.open()
    await assureWritten(db as unknown as Database, directory, unwritten, damaged)
    return db
  } catch (error) {
    await db.close().catch(() => undefined)
    throw error
  }
}

function isInUse(error: unknown): boolean {
  if (error instanceof InstarError) return error.code === 'DataDirectoryInUse'
  const { code, cause } = error as { readonly code?: unknown; readonly cause?: { readonly code?: unknown } }
  return code === 'LEVEL_LOCKED' || cause?.code === 'LEVEL_LOCKED'
}
