import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { InstarError, parseManifest, type Manifest } from '@instar/core'
import { manifestOf, sha256 } from './manifest-of.js'

export interface Bundle {
  /** The bundle's id: the hash of its manifest. */
  readonly bundle: string
  readonly manifest: Manifest
  readonly manifestBytes: Uint8Array
  readonly files: ReadonlyMap<string, Uint8Array>
}

/** Writes `manifest.json` and `files/…` into the folder, which is made if it is not there. */
export async function writeBundle(dir: string, bundle: Pick<Bundle, 'manifestBytes' | 'files'>): Promise<void> {
  for (const [path, bytes] of bundle.files) {
    const target = join(dir, 'files', path)
    await mkdir(dirname(target), { recursive: true })
    await writeFile(target, bytes)
  }
  await writeFile(join(dir, 'manifest.json'), bundle.manifestBytes)
}

/**
 * Reads a bundle from a folder and checks every byte of it.
 *
 * @throws InstarError BundleInvalid
 */
export async function readBundle(dir: string): Promise<Bundle> {
  const manifestBytes = await readOr(join(dir, 'manifest.json'), `${dir} holds no bundle: it has no manifest.json.`)
  const parsed = parseManifest(manifestBytes)
  if (parsed.verdict !== 'accept')
    throw new InstarError('BundleInvalid', `The manifest in ${dir} is not one: ${parsed.detail}.`)
  const files = new Map<string, Uint8Array>()
  for (const file of parsed.value.files) {
    const bytes = await readOr(join(dir, 'files', file.path), `The bundle in ${dir} lacks its file ${file.path}.`)
    if (bytes.byteLength !== file.bytes || sha256(bytes) !== file.sha256)
      throw new InstarError(
        'BundleInvalid',
        `The file ${file.path} of the bundle in ${dir} is not what its manifest says.`
      )
    files.set(file.path, bytes)
  }
  // The digests of the chunks are what peers will check: they have to fit as well.
  if (JSON.stringify(manifestOf(files)) !== JSON.stringify(sortFields(parsed.value)))
    throw new InstarError('BundleInvalid', `The manifest in ${dir} has chunk digests that do not fit its files.`)
  return { bundle: sha256(manifestBytes), manifest: parsed.value, manifestBytes, files }
}

async function readOr(path: string, otherwise: string): Promise<Uint8Array> {
  try {
    return await readFile(path)
  } catch (cause) {
    throw new InstarError('BundleInvalid', otherwise, { cause })
  }
}

function sortFields(manifest: Manifest): Manifest {
  return {
    format: manifest.format,
    files: manifest.files.map(({ path, bytes, sha256: digest, chunks }) => ({ path, bytes, sha256: digest, chunks }))
  }
}
