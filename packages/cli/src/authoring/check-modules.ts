import { existsSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { extname, join } from 'node:path'
import { InstarError } from '@instar/core'
import type { CheckReport, CheckUpgradeInit } from '@instar/simulator-runtime/check'

export interface CheckModulesInit extends Pick<
  CheckUpgradeInit,
  'budget' | 'seed' | 'path' | 'workers' | 'onProgress' | 'signal'
> {
  /** Version 1, and the upgrades of it in order. */
  readonly entries: readonly string[]
  /** Those that the author names; otherwise the ones beside the modules. */
  readonly specifications: readonly string[] | undefined
}

export interface CheckedModules {
  readonly report: CheckReport
  /** Of each module, in order. */
  readonly bundles: readonly string[]
  readonly specifications: readonly string[]
}

/**
 * Builds the modules as they will be published and checks what came out.
 *
 * @throws InstarError `BundleBuildFailed`, `BadInput`; the signal's reason
 */
export async function checkModules(init: CheckModulesInit): Promise<CheckedModules> {
  const { buildBundle, buildSpecification, writeBundle } = await import('@instar/bundler')
  const { checkUpgrade } = await import('@instar/simulator-runtime/check')
  const specifications = init.specifications ?? init.entries.slice(1).flatMap(entry => besideOf(entry) ?? [])
  const folder = await mkdtemp(join(tmpdir(), 'instar-check-'))
  try {
    const built = []
    for (const [i, entry] of init.entries.entries()) {
      const bundle = await buildBundle({ entry })
      await writeBundle(join(folder, String(i)), bundle)
      built.push({ id: bundle.bundle, path: join(folder, String(i), 'files', bundle.entry) })
    }
    const modules = specifications.map((_, i) => join(folder, `specification-${i}.mjs`))
    for (const [i, file] of specifications.entries()) await buildSpecification(file, modules[i] ?? '')
    const { budget, seed, path, workers, onProgress, signal } = init
    const report = await checkUpgrade({
      versions: built.map(each => each.path),
      specifications: modules,
      ...(budget === undefined ? {} : { budget }),
      ...(seed === undefined ? {} : { seed }),
      ...(path === undefined ? {} : { path }),
      ...(workers === undefined ? {} : { workers }),
      ...(onProgress === undefined ? {} : { onProgress }),
      ...(signal === undefined ? {} : { signal })
    })
    return { report, bundles: built.map(each => each.id), specifications }
  } catch (error) {
    if (!(error instanceof TypeError)) throw error
    // What cannot be checked is the author's to mend: a missing generator, modules that are no chain.
    throw new InstarError('BadInput', error.message, { cause: error })
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

function besideOf(entry: string): string | undefined {
  const stem = entry.slice(0, -extname(entry).length)
  return ['.ts', '.mts', '.js', '.mjs'].map(end => `${stem}.specification${end}`).find(existsSync)
}
