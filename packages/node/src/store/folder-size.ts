import { lstat, opendir } from 'node:fs/promises'
import { join } from 'node:path'
import { errorCodeOf } from './disk-errors.js'

/** The bytes of all files in a folder, and in those below. What comes or goes meanwhile counts or does not. */
export async function sizeOfFolder(path: string): Promise<number> {
  return (await sizeWithin(path, { left: Infinity })) ?? 0
}

/** The same, or `undefined` when there are more files than the budget has: to look at all of them would take too long. */
export async function sizeWithin(path: string, budget: { left: number }): Promise<number | undefined> {
  let bytes = 0
  try {
    for await (const each of await opendir(path)) {
      if (--budget.left < 0) return undefined
      const inside = join(path, each.name)
      const size = each.isDirectory() ? await sizeWithin(inside, budget) : await sizeOfFile(inside)
      if (size === undefined) return undefined
      bytes += size
    }
  } catch (error) {
    // Gone while it was looked at, or not there yet.
    if (errorCodeOf(error) !== 'ENOENT') throw error
  }
  return bytes
}

async function sizeOfFile(path: string): Promise<number> {
  try {
    return (await lstat(path)).size
  } catch (error) {
    if (errorCodeOf(error) === 'ENOENT') return 0
    throw error
  }
}
