import { createHash } from 'node:crypto'
import { open, stat } from 'node:fs/promises'
import { join, resolve, sep } from 'node:path'
import { chunkBytes, invariant, type Manifest, type ManifestFile } from '@instar/core'
import { errorCodeOf } from '../store/disk-errors.js'

/** One piece of one file, as the manifest lists it. */
export interface ChunkRef {
  readonly path: string
  readonly chunk: number
  readonly offset: number
  readonly bytes: number
  readonly sha256: string
}

export function chunksOf(file: ManifestFile): ChunkRef[] {
  return file.chunks.map((sha256, chunk) => ({
    path: file.path,
    chunk,
    offset: chunk * chunkBytes,
    bytes: Math.min(chunkBytes, file.bytes - chunk * chunkBytes),
    sha256
  }))
}

/** The path of a bundle's file. R19: the manifest's shape forbids paths that leave the folder, and nothing is written on its word alone. */
export function pathInside(folder: string, path: string): string {
  const files = join(folder, 'files')
  const target = resolve(files, path)
  invariant(target.startsWith(files + sep), `the path ${path} leaves the folder of its bundle`)
  return target
}

export function sha256(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex')
}

/** Undefined when the file is shorter than that, or not there. */
export async function readChunkAt(folder: string, ref: ChunkRef): Promise<Uint8Array | undefined> {
  try {
    const file = await open(pathInside(folder, ref.path), 'r')
    try {
      const { bytesRead, buffer } = await file.read(Buffer.allocUnsafe(ref.bytes), 0, ref.bytes, ref.offset)
      return bytesRead === ref.bytes ? buffer : undefined
    } finally {
      await file.close()
    }
  } catch (thrown) {
    if (errorCodeOf(thrown) === 'ENOENT') return undefined
    throw thrown
  }
}

/** What is wrong with the files of a bundle, or undefined. Reads every byte. */
export async function firstFlaw(folder: string, manifest: Manifest): Promise<string | undefined> {
  for (const file of manifest.files) {
    const size = await stat(pathInside(folder, file.path)).then(
      found => found.size,
      () => -1
    )
    if (size === -1) return `${file.path} is missing`
    if (size !== file.bytes) return `${file.path} has ${size} bytes instead of ${file.bytes}`
    const whole = createHash('sha256')
    for (const ref of chunksOf(file)) {
      const bytes = await readChunkAt(folder, ref)
      if (bytes === undefined || sha256(bytes) !== ref.sha256) return `chunk ${ref.chunk} of ${file.path} is damaged`
      whole.update(bytes)
    }
    if (whole.digest('hex') !== file.sha256) return `the chunks of ${file.path} do not make up its digest`
  }
  return undefined
}
