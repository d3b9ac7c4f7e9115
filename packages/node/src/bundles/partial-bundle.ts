import { mkdir, open, readdir, rename, rm, truncate, type FileHandle } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { InstarError, type Manifest } from '@instar/core'
import { onDisk } from '../store/disk-errors.js'
import { replaceFile, syncDirectory } from '../store/durable-file.js'
import { chunksOf, firstFlaw, pathInside, readChunkAt, sha256, type ChunkRef } from './bundle-folder.js'

/** A bundle that is being fetched. Killed at any point it goes on where it was: what is on disk is hashed again, so it needs no journal. */
export interface PartialBundle {
  readonly bundle: string
  readonly manifest: Manifest
  /** What is still to come. */
  missing(): readonly ChunkRef[]
  /** Verifies, then writes (R19). False: the bytes are not this chunk, nothing was written. @throws InstarError DiskFull */
  write(ref: ChunkRef, bytes: Uint8Array): Promise<boolean>
  /** Makes the bundle durable, then visible. @throws InstarError BundleInvalid when the manifest contradicts itself */
  finish(): Promise<void>
}

export interface PartialBundleInit {
  readonly manifest: Manifest
  readonly manifestBytes: Uint8Array
  /** Where bundles lie that are being fetched. */
  readonly partials: string
  /** Where complete ones lie. */
  readonly directory: string
  /** It is complete and in its place; or it could not be, and is gone. */
  readonly onFinished: (bundle: string, complete: boolean) => void
}

export async function openPartialBundle(init: PartialBundleInit): Promise<PartialBundle> {
  const { manifest, manifestBytes, partials, directory } = init
  const bundle = sha256(manifestBytes)
  const folder = join(partials, bundle)
  const missing = new Map<string, ChunkRef>()
  const keyOf = (ref: ChunkRef): string => `${ref.chunk} ${ref.path}`

  await onDisk(folder, async () => {
    await mkdir(folder, { recursive: true, mode: 0o700 })
    await replaceFile(join(folder, 'manifest.json'), manifestBytes, 0o600)
    for (const file of manifest.files) {
      const path = pathInside(folder, file.path)
      await mkdir(dirname(path), { recursive: true, mode: 0o700 })
      await (await open(path, 'a', 0o600)).close()
      // Whole from the start, with holes: a chunk is written where it belongs, in whatever order they come.
      await truncate(path, file.bytes)
      for (const ref of chunksOf(file)) {
        const bytes = await readChunkAt(folder, ref)
        if (bytes === undefined || sha256(bytes) !== ref.sha256) missing.set(keyOf(ref), ref)
      }
    }
  })

  async function write(ref: ChunkRef, bytes: Uint8Array): Promise<boolean> {
    if (bytes.byteLength !== ref.bytes || sha256(bytes) !== ref.sha256) return false
    await onDisk(folder, async () => {
      await withFile(pathInside(folder, ref.path), 'r+', async file => {
        for (let at = 0; at < bytes.byteLength;) {
          at += (await file.write(bytes, at, bytes.byteLength - at, ref.offset + at)).bytesWritten
        }
      })
    })
    missing.delete(keyOf(ref))
    return true
  }

  let finishing: Promise<void> | undefined

  async function moveIntoPlace(): Promise<void> {
    const flaw = await onDisk(folder, () => firstFlaw(folder, manifest))
    if (flaw !== undefined) {
      await rm(folder, { recursive: true, force: true })
      init.onFinished(bundle, false)
      throw new InstarError('BundleInvalid', `The bundle ${bundle} cannot be used: ${flaw}.`, { detail: { bundle } })
    }
    await onDisk(folder, async () => {
      for (const file of manifest.files) await withFile(pathInside(folder, file.path), 'r', each => each.sync())
      await syncTree(folder)
      await rm(join(directory, bundle), { recursive: true, force: true })
      await rename(folder, join(directory, bundle))
      await syncDirectory(partials)
      await syncDirectory(directory)
    })
    init.onFinished(bundle, true)
  }

  /** A failed try may be repeated: a full disk gets space again. */
  function finish(): Promise<void> {
    finishing ??= moveIntoPlace().catch((thrown: unknown) => {
      finishing = undefined
      throw thrown
    })
    return finishing
  }

  return { bundle, manifest, write, finish, missing: () => [...missing.values()] }
}

async function withFile(path: string, flags: string, use: (file: FileHandle) => Promise<void>): Promise<void> {
  const file = await open(path, flags)
  try {
    await use(file)
  } finally {
    await file.close()
  }
}

/** Bottom-up, so that no name is durable before what it names. */
async function syncTree(folder: string): Promise<void> {
  for (const entry of await readdir(folder, { withFileTypes: true })) {
    if (entry.isDirectory()) await syncTree(join(folder, entry.name))
  }
  await syncDirectory(folder)
}
