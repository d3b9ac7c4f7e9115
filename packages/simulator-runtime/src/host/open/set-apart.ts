import type { StateMeta, StateSpaces } from '@instar/core'
import { cp } from 'node:fs/promises'
import { findDirectory, makeDirectory, syncDirectory } from '../directory/directories.js'
import { storedEntries, type Database } from '../state/merged-entries.js'
import { afterPrefix } from '../state/view.js'
import { BuildAccess } from '../build/build-access.js'
import { prefixOf, spaceNamer } from './spaces.js'

interface SetApartInit {
  readonly db: Database
  readonly directory: string
  readonly random: () => number
  readonly signal: AbortSignal
}

/**
 * Gives whatever goes on serving after an upgrade a state of its own, so that what was before stays as it was: going back by copy means
 * all of it, simulation objects further out and an object without a transform included (§8).
 */
export async function setApart(init: SetApartInit, meta: StateMeta, before: StateSpaces): Promise<StateMeta> {
  const kept = new Set([before.object, ...Object.values(before.past), ...Object.values(before.future)])
  const name = spaceNamer(meta.generation, init.random)
  const copied = async (space: string, role: 'object' | 'past' | 'future', revision: number): Promise<string> => {
    if (!kept.has(space)) return space
    const copy = name(role, revision)
    await copySpace(init, space, copy)
    return copy
  }
  const side = async (role: 'past' | 'future'): Promise<Record<string, string>> => {
    const spaces: Record<string, string> = {}
    for (const [revision, space] of Object.entries(meta.spaces[role]))
      spaces[revision] = await copied(space, role, Number(revision))
    return spaces
  }
  const object = await copied(meta.spaces.object, 'object', meta.revision)
  return { ...meta, spaces: { object, past: await side('past'), future: await side('future') } }
}

async function copySpace({ db, directory, signal }: SetApartInit, from: string, to: string): Promise<void> {
  const prefix = prefixOf(from)
  const built = new BuildAccess(db, () => signal.throwIfAborted())
  const range = { lower: prefix, lowerInside: true, upper: afterPrefix(prefix), upperInside: false }
  const source = storedEntries(db, range, { reverse: false, limit: -1 })
  try {
    for (let part = await source.next(500); part.length > 0; part = await source.next(500)) {
      for (const [key, value] of part) await built.write(prefixOf(to) + key.slice(prefix.length), value)
    }
  } finally {
    await source.close()
  }
  await built.flush()
  const files = await findDirectory(directory, from)
  if (files === undefined) return
  const copy = await makeDirectory(directory, to)
  await cp(files, copy, { recursive: true, verbatimSymlinks: true })
  await syncDirectory(copy, signal)
}
