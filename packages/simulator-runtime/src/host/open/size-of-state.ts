import type { KeptState, OldState, StateMeta } from '@instar/core'
import { lstat, opendir } from 'node:fs/promises'
import { join } from 'node:path'
import { findDirectory } from '../directory/directories.js'
import type { Database } from '../state/merged-entries.js'
import { afterPrefix } from '../state/view.js'
import { sizeOnDisk } from './database.js'
import { prefixOf } from './spaces.js'

/** The states that are kept for the operator, with what each takes of the disk: of the database about, of files exactly. */
export async function oldStates(
  db: Database,
  directory: string,
  { kept = [] }: StateMeta
): Promise<readonly OldState[]> {
  const states: OldState[] = []
  for (const state of kept) {
    const { generation, current, chainId, sinceMs } = state
    states.push({ generation, version: current, chainId, sinceMs, bytes: await bytesOf(db, directory, state) })
  }
  return states
}

async function bytesOf(db: Database, directory: string, { spaces }: KeptState): Promise<number> {
  let bytes = 0
  for (const space of [spaces.object, ...Object.values(spaces.past), ...Object.values(spaces.future)]) {
    const prefix = prefixOf(space)
    bytes += await sizeOnDisk(db, prefix, afterPrefix(prefix))
    const files = await findDirectory(directory, space)
    if (files !== undefined) bytes += await bytesIn(files)
  }
  return bytes
}

async function bytesIn(path: string): Promise<number> {
  let bytes = 0
  for await (const each of await opendir(path)) {
    const inside = join(path, each.name)
    bytes += each.isDirectory() ? await bytesIn(inside) : (await lstat(inside)).size
  }
  return bytes
}
