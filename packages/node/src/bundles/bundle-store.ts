import { mkdir, readdir, readFile, rename, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { InstarError, parseManifest, type CodeRef, type Manifest } from '@instar/core'
import { errorCodeOf, onDisk } from '../store/disk-errors.js'
import { syncDirectory } from '../store/durable-file.js'
import { chunksOf, firstFlaw, pathInside, readChunkAt, sha256 } from './bundle-folder.js'
import { openPartialBundle, type PartialBundle } from './partial-bundle.js'

/**
 * The bundles on this peer's disk: `<id>/manifest.json` and `<id>/files/…`. A bundle has its own folder only when it is complete,
 * verified and durable; what is being fetched lies in `.partial/<id>` until then.
 */
export interface BundleStore {
  /** Makes the folder where it does not exist, and learns what is there. @throws InstarError DiskFull, DataDirectoryDamaged */
  start(): Promise<void>
  list(): readonly string[]
  has(bundle: string): boolean
  /**
   * The path of a module of a bundle that is here. Every file of the bundle is hashed first, because what is loaded next is run: a damaged
   * bundle is set aside, so that the next fetch replaces what is wrong with it.
   *
   * @throws InstarError BundleUnavailable when it is not here, or was damaged
   */
  modulePath(ref: CodeRef): Promise<string>
  /** The manifest's bytes, for peers that ask. */
  manifestBytes(bundle: string): Promise<Uint8Array | undefined>
  /** One chunk as it lies on disk, for peers that ask: they verify it themselves. */
  readChunk(bundle: string, path: string, chunk: number): Promise<Uint8Array | undefined>
  /** Stores a bundle at once, for the author's own peer and for import. @throws InstarError BundleInvalid, DiskFull */
  put(manifestBytes: Uint8Array, files: ReadonlyMap<string, Uint8Array>): Promise<string>
  /** Begins or goes on with a download; what is there already is hashed and kept where it is right. @throws InstarError BundleInvalid, DiskFull */
  openPartial(manifestBytes: Uint8Array): Promise<PartialBundle>
  /** The manifest of a download that was begun earlier, so that it can go on without asking for it again. */
  partialManifest(bundle: string): Promise<Uint8Array | undefined>
  /** Every bundle of which anything is on the disk, complete or not. */
  onDisk(): Promise<readonly string[]>
  /** Where it lies; for measuring. */
  folderOf(bundle: string): string
  /** Removes the bundle, complete or not. Killed anywhere, it is there or not. */
  remove(bundle: string): Promise<void>
}

export interface BundleStoreInit {
  /** The folder; nothing else is kept in it. */
  readonly directory: string
  /** A bundle that was here is here no more: it was found damaged. */
  readonly onDamaged?: (bundle: string, detail: string) => void
}

const bundlePattern = /^[0-9a-f]{64}$/

export function createBundleStore({ directory, onDamaged }: BundleStoreInit): BundleStore {
  const partials = join(directory, '.partial')
  const manifests = new Map<string, Manifest>()
  const removing = new Map<string, Promise<void>>()
  const opened = new Map<string, Promise<PartialBundle>>()
  const folderOf = (bundle: string): string => join(directory, bundle)

  async function start(): Promise<void> {
    await onDisk(directory, async () => {
      await mkdir(partials, { recursive: true, mode: 0o700 })
      for (const name of await readdir(directory)) {
        if (!bundlePattern.test(name)) continue
        const manifest = await readManifest(join(directory, name), name)
        if (manifest === undefined) await setAside(name, 'its manifest is damaged')
        else manifests.set(name, manifest)
      }
    })
  }

  /** What is right in it is kept for the next fetch. */
  async function setAside(bundle: string, detail: string): Promise<void> {
    manifests.delete(bundle)
    const partial = join(partials, bundle)
    await onDisk(partial, async () => {
      await rm(partial, { recursive: true, force: true })
      await rename(folderOf(bundle), partial)
      await syncDirectory(directory)
    })
    onDamaged?.(bundle, detail)
  }

  async function modulePath({ bundle, entry }: CodeRef): Promise<string> {
    const manifest = manifests.get(bundle)
    if (manifest === undefined)
      throw new InstarError('BundleUnavailable', `The bundle ${bundle} is not on this peer.`, { detail: { bundle } })
    if (!manifest.files.some(file => file.path === entry))
      throw new InstarError('BundleInvalid', `The bundle ${bundle} has no file ${entry}.`, {
        detail: { bundle, entry }
      })
    const flaw = await firstFlaw(folderOf(bundle), manifest)
    if (flaw !== undefined) {
      await setAside(bundle, flaw)
      throw new InstarError(
        'BundleUnavailable',
        `The bundle ${bundle} was damaged on disk (${flaw}): it is fetched again.`,
        {
          detail: { bundle }
        }
      )
    }
    return pathInside(folderOf(bundle), entry)
  }

  /** One at a time for each bundle: a fetch and an import of the same bundle work on the same files. */
  function openPartial(manifestBytes: Uint8Array): Promise<PartialBundle> {
    const bundle = sha256(manifestBytes)
    const known = opened.get(bundle)
    if (known !== undefined) return known
    const opening = openNew(manifestBytes)
    opened.set(bundle, opening)
    opening.catch(() => opened.delete(bundle))
    return opening
  }

  /** Out of its place first, in one step: what a kill leaves of it is no bundle. */
  async function removeFiles(bundle: string, isComplete: boolean): Promise<void> {
    const partial = join(partials, bundle)
    await rm(partial, { recursive: true, force: true })
    if (!isComplete) return
    await rename(folderOf(bundle), partial)
    await rm(partial, { recursive: true, force: true })
  }

  async function openNew(manifestBytes: Uint8Array): Promise<PartialBundle> {
    const parsed = parseManifest(manifestBytes)
    if (parsed.verdict !== 'accept')
      throw new InstarError('BundleInvalid', `The manifest is not one: ${parsed.detail}.`)
    await removing.get(sha256(manifestBytes))
    return openPartialBundle({
      manifest: parsed.value,
      manifestBytes,
      partials,
      directory,
      onFinished: (bundle, complete) => {
        opened.delete(bundle)
        if (complete) manifests.set(bundle, parsed.value)
      }
    })
  }

  return {
    start,
    modulePath,
    openPartial,
    list: () => [...manifests.keys()],
    has: bundle => manifests.has(bundle),
    async manifestBytes(bundle) {
      if (!manifests.has(bundle)) return undefined
      return readIfThere(join(folderOf(bundle), 'manifest.json'))
    },
    async readChunk(bundle, path, chunk) {
      const file = manifests.get(bundle)?.files.find(each => each.path === path)
      const ref = file && chunksOf(file)[chunk]
      return ref && readChunkAt(folderOf(bundle), ref)
    },
    async put(manifestBytes, files) {
      const bundle = sha256(manifestBytes)
      if (manifests.has(bundle)) return bundle
      const partial = await openPartial(manifestBytes)
      for (const ref of partial.missing()) {
        const bytes = files.get(ref.path)?.subarray(ref.offset, ref.offset + ref.bytes)
        if (bytes === undefined || !(await partial.write(ref, bytes)))
          throw new InstarError('BundleInvalid', `The file ${ref.path} is not what the bundle's manifest says.`)
      }
      await partial.finish()
      return bundle
    },
    partialManifest: bundle =>
      bundlePattern.test(bundle) ? readIfThere(join(partials, bundle, 'manifest.json')) : Promise.resolve(undefined),
    async onDisk() {
      const partial = await onDisk(partials, () => readdir(partials))
      return [...new Set([...manifests.keys(), ...partial.filter(name => bundlePattern.test(name))])]
    },
    folderOf: bundle => (manifests.has(bundle) ? folderOf(bundle) : join(partials, bundle)),
    async remove(bundle) {
      if (!bundlePattern.test(bundle)) return
      // At once, before anything is waited for: whoever asks from here on fetches it again.
      const isComplete = manifests.delete(bundle)
      opened.delete(bundle)
      const removal = onDisk(directory, () => removeFiles(bundle, isComplete))
      removing.set(bundle, removal)
      await removal.finally(() => removing.delete(bundle))
    }
  }
}

async function readManifest(folder: string, bundle: string): Promise<Manifest | undefined> {
  const bytes = await readIfThere(join(folder, 'manifest.json'))
  const parsed = bytes && parseManifest(bytes, bundle)
  return parsed?.verdict === 'accept' ? parsed.value : undefined
}

async function readIfThere(path: string): Promise<Uint8Array | undefined> {
  try {
    return await readFile(path)
  } catch (thrown) {
    if (errorCodeOf(thrown) === 'ENOENT') return undefined
    throw thrown
  }
}
