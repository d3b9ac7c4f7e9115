import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { BuiltBundle } from '@instar/bundler'
import { loadDefinition, type Definition } from './load-definition.js'

export interface BuiltClass {
  readonly built: BuiltBundle
  readonly definition: Definition
  readonly source: string
}

/** Bundles an author's module and loads the bundle once, so that what is described is what will run on peers. */
export async function buildClass(entry: string): Promise<BuiltClass> {
  const { buildBundle, writeBundle } = await import('@instar/bundler')
  const built = await buildBundle({ entry })
  const folder = await mkdtemp(join(tmpdir(), 'instar-build-'))
  try {
    await writeBundle(folder, built)
    return { built, definition: await loadDefinition(join(folder, 'files', built.entry), entry), source: entry }
  } finally {
    await rm(folder, { recursive: true })
  }
}
