import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { BuiltBundle, ModuleFacts } from '@instar/bundler'
import { InstarError, messageOf } from '@instar/core'

export interface BuiltClass {
  readonly built: BuiltBundle
  readonly facts: ModuleFacts
  readonly source: string
}

/**
 * Bundles an author's module and inspects the bundle, so that what is described is what will run on peers.
 *
 * @throws InstarError `BundleBuildFailed`, `BundleLoadFailed`
 */
export async function buildClass(entry: string): Promise<BuiltClass> {
  const { buildBundle, inspectModule, writeBundle } = await import('@instar/bundler')
  const built = await buildBundle({ entry })
  const folder = await mkdtemp(join(tmpdir(), 'instar-build-'))
  const path = join(folder, 'files', built.entry)
  try {
    await writeBundle(folder, built)
    return { built, facts: await inspectModule(path), source: entry }
  } catch (cause) {
    if (!(cause instanceof InstarError)) throw cause
    // The author knows the module by the name of its source.
    throw new InstarError(cause.code, messageOf(cause).replaceAll(path, entry), { cause })
  } finally {
    await rm(folder, { recursive: true })
  }
}
