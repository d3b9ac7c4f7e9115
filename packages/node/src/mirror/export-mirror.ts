import { copyFile, mkdir, readFile, rename, rm } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { InstarError, parseManifest } from '@instar/core'
import { RepositoryClient, repositoryOf, restoreTrust } from '@instar/signer'
import { firstFlaw, pathInside } from '../bundles/bundle-folder.js'
import type { TrustDocuments } from '../control/peer-control.js'
import { onDisk } from '../store/disk-errors.js'
import { replaceFile, syncDirectory } from '../store/durable-file.js'
import { bundlesOf } from './bundles-of.js'
import { createDirectoryFetcher } from './directory-fetcher.js'
import { directoriesOf } from './open-mirror.js'

export interface ExportMirrorInit {
  readonly network: string
  readonly trusted: TrustDocuments
  /** Made where it does not exist; what an earlier export wrote stays and is only added to. */
  readonly directory: string
  readonly nowMs: number
  /** The folder in which the peer keeps its bundles; absent: the mirror gets none. */
  readonly bundles?: string | undefined
  readonly dryRun?: boolean
}

export interface ExportedMirror {
  /** Files that were new or different, and those that were there already. */
  readonly written: number
  readonly kept: number
  /** The mirror is refused by its readers from then on: export again before. */
  readonly freshUntilMs: number
  readonly bundles: readonly string[]
  /** Bundles that this peer does not hold, or holds damaged. */
  readonly missingBundles: readonly string[]
}

/**
 * Writes what a peer trusts as an ordinary TUF repository. A reader finds a whole repository at every moment: files that never change
 * come first, each in one rename, and the timestamp that vouches for them last. What was written is read again as a stranger would.
 *
 * @throws InstarError NotTrusted while the view is not whole or not fresh, DiskFull
 */
export async function exportMirror(init: ExportMirrorInit): Promise<ExportedMirror> {
  const { network, trusted, directory, nowMs } = init
  const state = restoreTrust(network, [...trusted.documents, ...trusted.descriptors])
  const repository = repositoryOf(state, nowMs)
  if (repository.verdict !== 'accept') {
    throw new InstarError(
      'NotTrusted',
      `What this peer trusts cannot be a mirror now: ${repository.detail}. Try again when instar status calls its trust fresh.`
    )
  }
  const { constant, timestamp, freshUntilMs } = repository.value
  const files = [...constant, ['metadata/timestamp.json', timestamp] as const]
  let written = 0
  for (const [path, bytes] of files) if (await writeFileOnce(join(directory, path), bytes, init.dryRun)) written++
  const bundles = await exportBundles(init)
  if (init.dryRun !== true) await readAgain(directory, nowMs)
  return { written, kept: files.length - written, freshUntilMs, ...bundles }
}

async function writeFileOnce(path: string, bytes: Uint8Array, dryRun = false): Promise<boolean> {
  const there = await readFile(path).catch(() => undefined)
  if (there?.equals(bytes) === true) return false
  if (dryRun) return true
  await onDisk(path, async () => {
    await mkdir(dirname(path), { recursive: true })
    await replaceFile(path, bytes, 0o644)
  })
  return true
}

async function exportBundles(init: ExportMirrorInit): Promise<Pick<ExportedMirror, 'bundles' | 'missingBundles'>> {
  const bundles: string[] = []
  const missingBundles: string[] = []
  if (init.bundles === undefined) return { bundles, missingBundles }
  for (const id of bundlesOf(init.trusted.descriptors).keys()) {
    const isThere = await exportBundle(join(init.bundles, id), join(init.directory, 'bundles', id), id, init.dryRun)
    ;(isThere ? bundles : missingBundles).push(id)
  }
  return { bundles, missingBundles }
}

/** A bundle has its folder only when it is whole; false when the peer does not hold it whole. */
async function exportBundle(from: string, to: string, id: string, dryRun = false): Promise<boolean> {
  const bytes = await readFile(join(from, 'manifest.json')).catch(() => undefined)
  const manifest = bytes && parseManifest(bytes, id)
  if (manifest?.verdict !== 'accept' || (await firstFlaw(from, manifest.value)) !== undefined) return false
  const there = await readFile(join(to, 'manifest.json')).catch(() => undefined)
  if (
    dryRun ||
    (there?.equals(bytes ?? Buffer.alloc(0)) === true && (await firstFlaw(to, manifest.value)) === undefined)
  )
    return true
  const aside = `${to}.new`
  await onDisk(to, async () => {
    await rm(aside, { recursive: true, force: true })
    for (const { path } of manifest.value.files) {
      await mkdir(dirname(pathInside(aside, path)), { recursive: true })
      await copyFile(pathInside(from, path), pathInside(aside, path))
    }
    await replaceFile(join(aside, 'manifest.json'), bytes ?? new Uint8Array(), 0o644)
    await rm(to, { recursive: true, force: true })
    await rename(aside, to)
    await syncDirectory(dirname(to))
  })
  return true
}

/** From its first root on, as somebody who knows nothing else. */
async function readAgain(directory: string, nowMs: number): Promise<void> {
  const fetcher = createDirectoryFetcher(directoriesOf(directory))
  const stored = new Map([['root.json', await readFile(join(directory, 'metadata', '1.root.json'))]])
  const client = new RepositoryClient({
    fetcher,
    nowMs,
    store: {
      read: async file => stored.get(file),
      write: async (file, bytes) => void stored.set(file, Buffer.from(bytes))
    }
  })
  await client.refresh()
  await client.delegated()
}
