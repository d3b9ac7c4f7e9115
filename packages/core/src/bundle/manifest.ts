import { z } from 'zod'
import { parseBoundedJson, toCanonicalJson } from '../codec/json.js'
import { sha256Hex } from '../codec/hash.js'
import { hexDigest } from '../descriptor/fields.js'
import { accept, reject, type Verdict } from '../verdict.js'

/** Files travel and are verified in pieces of this size; the last one of a file may be shorter. */
export const chunkBytes = 256 * 1024
/** A larger manifest is not read. */
export const manifestBytesMax = 1024 * 1024
/** All files of a bundle together. */
export const bundleBytesMax = 256 * 1024 * 1024

/** Path segments that cannot leave the bundle's folder: no `..`, no absolute path, no back slash, no drive. */
const bundlePath = z
  .string()
  .max(200)
  .regex(/^(?!\.{1,2}(\/|$))[A-Za-z0-9._-]+(\/(?!\.{1,2}(\/|$))[A-Za-z0-9._-]+)*$/)

const manifestSchema = z.strictObject({
  format: z.literal(1),
  files: z
    .array(
      z.strictObject({
        path: bundlePath,
        bytes: z.int().min(0).max(bundleBytesMax),
        sha256: hexDigest,
        /** sha-256 of each {@link chunkBytes} piece in order. */
        chunks: z.array(hexDigest).max(Math.ceil(bundleBytesMax / chunkBytes))
      })
    )
    .min(1)
    .max(1000)
})

/** The list of a bundle's files with their digests, sorted by path. Its hash is the bundle's id. */
export type Manifest = Readonly<z.infer<typeof manifestSchema>>
/** One file of a bundle: its path in the bundle, its size, its digest, and the digest of each of its chunks. */
export type ManifestFile = Manifest['files'][number]

/** Reads a manifest from untrusted bytes and checks that it is the one that `bundle` names. Never throws. */
export function parseManifest(bytes: Uint8Array, bundle?: string): Verdict<Manifest> {
  if (bytes.byteLength > manifestBytesMax)
    return reject('TooLarge', `a manifest of ${bytes.byteLength} bytes, at most ${manifestBytesMax} are read`)
  if (bundle !== undefined && sha256Hex(bytes) !== bundle)
    return reject('WrongHash', 'the manifest is not the one that the bundle id names')
  const json = parseBoundedJson(bytes, { bytesMax: manifestBytesMax, depthMax: 6, itemsMax: 40_000 })
  if (json.verdict !== 'accept') return json
  const parsed = manifestSchema.safeParse(json.value)
  if (!parsed.success) return reject('NotAManifest', z.prettifyError(parsed.error).replace(/\n/g, ' ').slice(0, 500))
  const flaw = flawOf(parsed.data)
  return flaw === undefined ? accept(parsed.data) : reject('NotAManifest', flaw)
}

/** The bytes whose hash is the id of the bundle: canonical JSON. */
export function encodeManifest(manifest: Manifest): Uint8Array {
  return toCanonicalJson(manifest)
}

/** The content address of a bundle, 64 hexadecimal digits. */
export function bundleId(manifest: Manifest): string {
  return sha256Hex(encodeManifest(manifest))
}

/** The size of all files together. */
export function bundleBytes(manifest: Manifest): number {
  return manifest.files.reduce((sum, file) => sum + file.bytes, 0)
}

function flawOf(manifest: Manifest): string | undefined {
  for (const [i, file] of manifest.files.entries()) {
    const before = manifest.files[i - 1]
    if (before !== undefined && before.path >= file.path) return 'paths are not sorted, or one stands there twice'
    if (file.chunks.length !== Math.ceil(file.bytes / chunkBytes))
      return `${file.path} has ${file.chunks.length} chunk digests for ${file.bytes} bytes`
  }
  return bundleBytes(manifest) > bundleBytesMax
    ? `the files are larger than ${bundleBytesMax} bytes together`
    : flawOfNames(manifest)
}

/** Names that Windows gives to devices, with any ending, and dots at the end, which it drops. */
const strangeName = /^(con|prn|aux|nul|com\d|lpt\d)(\.|$)|\.$/

/** A bundle must be the same files on every file system: some do not tell cases apart, and none has a file that is a folder too. */
function flawOfNames({ files }: Manifest): string | undefined {
  const known = new Map<string, { readonly name: string; readonly isFile: boolean }>()
  for (const { path } of files) {
    const parts = path.split('/')
    for (let end = 1; end <= parts.length; end++) {
      const name = parts.slice(0, end).join('/')
      const folded = name.toLowerCase()
      if (strangeName.test(folded.slice(folded.lastIndexOf('/') + 1)))
        return `${path} cannot be stored on every file system`
      const isFile = end === parts.length
      const before = known.get(folded)
      if (before === undefined) known.set(folded, { name, isFile })
      else if (before.name !== name || before.isFile || isFile)
        return `${path} and ${before.name} cannot both be stored`
    }
  }
  return undefined
}
