import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { InstarError } from '@instar/core'
import type { Database } from '../../state/merged-entries.js'
import { parseBatch, type LoggedBatch } from './batches.js'
import { readManifest, unlessMissing, type Damaged } from './current.js'
import { readLogRecords } from './log-records.js'

// When LevelDB opens a database, it takes over what only its log holds. What it cannot read of it, it leaves out, says so in a file that
// nobody reads, and deletes the log: one byte that has changed, or one read that fails, and calls are lost that were acknowledged. It has
// an option against that (`paranoid_checks`), which classic-level does not pass on. So the log is read here first, and compared with what
// LevelDB has made of it. Nobody else may have the database open, but that is known only when it is open here: what is read before counts
// only where nothing has been written since.

/**
 * The batches that only the log of a database holds, oldest first.
 *
 * @throws InstarError DataDirectoryInUse: it is being changed. What `damaged` makes of what is not what was written
 */
export async function readUnwritten(directory: string, damaged: Damaged): Promise<readonly LoggedBatch[]> {
  try {
    return await readLogs(directory, damaged)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error
    throw new InstarError(
      'DataDirectoryInUse',
      `The state in ${directory} is being changed by another process: stop that one first.`,
      {
        detail: { directory },
        cause: error
      }
    )
  }
}

async function readLogs(directory: string, damaged: Damaged): Promise<readonly LoggedBatch[]> {
  const batches: LoggedBatch[] = []
  for (const path of await liveLogs(directory, damaged)) {
    const { records, end, endsAt } = readLogRecords(await readFile(path))
    if (end === 'damaged') throw damaged(path, `at byte ${endsAt} it is not what was written`)
    for (const record of records) {
      const batch = parseBatch(record)
      const next = nextSequence(batches)
      // A log whose end is missing, with another one behind it, is found so.
      if (next !== undefined && batch.sequence !== next)
        throw damaged(path, `it goes on at operation ${batch.sequence} where ${next} should follow`)
      batches.push(batch)
    }
  }
  return batches
}

/**
 * Sees to it that an open database holds the batches that were read before it was opened.
 *
 * @returns whether LevelDB had left some of them out
 */
export async function assureWritten(
  db: Database,
  directory: string,
  batches: readonly LoggedBatch[],
  damaged: Damaged
): Promise<boolean> {
  const next = nextSequence(batches)
  if (next === undefined) return false
  // LevelDB writes down there what it has come to by replaying. More than was read: another process has written, and ended, meanwhile.
  const manifest = await readManifest(directory, damaged)
  if (manifest === undefined || manifest.lastSequence >= next - 1) return false
  // Over a beginning of themselves, so all of them again come to the same.
  const asStored = { keyEncoding: 'buffer', valueEncoding: 'buffer' } as const
  for (const batch of batches) await db.batch([...batch.operations], { ...asStored, sync: batch === batches.at(-1) })
  return true
}

function nextSequence(batches: readonly LoggedBatch[]): number | undefined {
  const last = batches.at(-1)
  return last === undefined ? undefined : last.sequence + last.operations.length
}

/** The files that LevelDB is going to replay, in their order. None where there is no database yet. */
async function liveLogs(directory: string, damaged: Damaged): Promise<readonly string[]> {
  const names = await readdir(directory).catch(unlessMissing)
  const manifest = await readManifest(directory, damaged)
  if (names === undefined || manifest === undefined) return []
  return names
    .flatMap(name => {
      const number = Number(/^([0-9]+)\.log$/.exec(name)?.[1] ?? Number.NaN)
      const isLive = number >= manifest.logsFrom || (number !== 0 && number === manifest.previousLog)
      return isLive ? [{ name, number }] : []
    })
    .sort((a, b) => a.number - b.number)
    .map(({ name }) => join(directory, name))
}
