import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { InstarError } from '@instar/core'
import { parseManifest, type Manifest } from './manifest.js'

/** The sentence for a file of a database that is not what was written. */
export type Damaged = (path: string, what: string) => InstarError

/**
 * The manifest that a database names as its own. Undefined where there is no database, or where it says what only LevelDB knows.
 *
 * @throws what `damaged` makes of it
 */
export async function readManifest(directory: string, damaged: Damaged): Promise<Manifest | undefined> {
  const current = join(directory, 'CURRENT')
  for (let named = await textOf(current); named !== undefined;) {
    const name = /^(MANIFEST-[0-9]+)\n$/.exec(named)?.[1]
    if (name === undefined) throw damaged(current, 'it names no manifest')
    const path = join(directory, name)
    const bytes = await readFile(path).catch(unlessMissing)
    if (bytes !== undefined) {
      const manifest = parseManifest(bytes)
      if (manifest?.damagedAt !== undefined)
        throw damaged(path, `at byte ${manifest.damagedAt} it is not what was written`)
      return manifest
    }
    // Another process may have opened the database meanwhile, which gives it a new one.
    const again = await textOf(current)
    if (again === named) throw damaged(current, `it names ${name}, which is not there`)
    named = again
  }
  return undefined
}

function textOf(path: string): Promise<string | undefined> {
  return readFile(path, 'latin1').catch(unlessMissing)
}

export function unlessMissing(error: unknown): undefined {
  if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error
}
