import { createHash, randomBytes } from 'node:crypto'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { chunkBytes, encodeManifest, type Manifest } from '@instar/core'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { createBundleStore, type BundleStore } from './bundle-store.js'

let directory: string
let store: BundleStore
let damaged: string[]

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'instar-bundles-'))
  damaged = []
  store = open()
  await store.start()
})
afterEach(() => rm(directory, { recursive: true, force: true }))

const open = (): BundleStore =>
  createBundleStore({ directory, onDamaged: (bundle, detail) => damaged.push(`${bundle}: ${detail}`) })

const digest = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex')

function bundleOf(files: Record<string, Uint8Array>): {
  bundle: string
  bytes: Uint8Array
  files: Map<string, Uint8Array>
  manifest: Manifest
} {
  const manifest: Manifest = {
    format: 1,
    files: Object.keys(files)
      .sort()
      .map(path => {
        const bytes = files[path]!
        const chunks = []
        for (let at = 0; at < bytes.byteLength; at += chunkBytes)
          chunks.push(digest(bytes.subarray(at, at + chunkBytes)))
        return { path, bytes: bytes.byteLength, sha256: digest(bytes), chunks }
      })
  }
  const bytes = encodeManifest(manifest)
  return { bundle: digest(bytes), bytes, files: new Map(Object.entries(files)), manifest }
}

const sample = bundleOf({
  'a.mjs': Buffer.from('export default 1'),
  'deep/large.bin': randomBytes(2 * chunkBytes + 7),
  'empty.txt': new Uint8Array()
})

describe('the store of bundles', () => {
  it('keeps a bundle over a restart and gives the path of its modules', async () => {
    await store.put(sample.bytes, sample.files)
    const again = open()
    await again.start()
    expect(again.list()).toEqual([sample.bundle])
    const path = await again.modulePath({ bundle: sample.bundle, entry: 'a.mjs' })
    expect(await readFile(path, 'utf8')).toBe('export default 1')
    expect(await again.manifestBytes(sample.bundle)).toEqual(Buffer.from(sample.bytes))
    expect(await again.readChunk(sample.bundle, 'deep/large.bin', 2)).toHaveLength(7)
    expect(await again.readChunk(sample.bundle, 'deep/large.bin', 3)).toBeUndefined()
    expect(await again.readChunk(sample.bundle, '../../secret', 0)).toBeUndefined()
  })

  it('goes on with a download after a restart, and fetches only what is missing', async () => {
    const partial = await store.openPartial(sample.bytes)
    const [first] = partial.missing()
    expect(partial.missing()).toHaveLength(4)
    expect(await partial.write(first!, sample.files.get(first!.path)!)).toBe(true)
    const again = open()
    await again.start()
    expect(again.has(sample.bundle)).toBe(false)
    expect(await again.partialManifest(sample.bundle)).toEqual(Buffer.from(sample.bytes))
    expect((await again.openPartial(sample.bytes)).missing()).toHaveLength(3)
  })

  it('writes nothing that is not the chunk', async () => {
    const partial = await store.openPartial(sample.bytes)
    const ref = partial.missing().find(each => each.bytes === chunkBytes)!
    expect(await partial.write(ref, randomBytes(chunkBytes))).toBe(false)
    expect(partial.missing()).toContainEqual(ref)
  })

  it('notices a damaged file when it is used, and fetches only its chunk again', async () => {
    await store.put(sample.bytes, sample.files)
    const path = join(directory, sample.bundle, 'files', 'deep/large.bin')
    const bytes = await readFile(path)
    bytes[chunkBytes + 3]! ^= 1
    await writeFile(path, bytes)
    await expect(store.modulePath({ bundle: sample.bundle, entry: 'a.mjs' })).rejects.toMatchObject({
      code: 'BundleUnavailable'
    })
    expect(damaged).toHaveLength(1)
    expect(store.has(sample.bundle)).toBe(false)
    const partial = await store.openPartial(sample.bytes)
    expect(partial.missing()).toMatchObject([{ path: 'deep/large.bin', chunk: 1 }])
    await store.put(sample.bytes, sample.files)
    expect(store.has(sample.bundle)).toBe(true)
  })

  it('sets a bundle aside whose manifest is damaged', async () => {
    await store.put(sample.bytes, sample.files)
    await writeFile(join(directory, sample.bundle, 'manifest.json'), '{')
    const again = open()
    await again.start()
    expect(again.list()).toEqual([])
  })

  it.each(['../out.mjs', '/etc/passwd', 'a/../../b', 'a\\b', '.', 'a/./b', ''])(
    'takes no manifest with the path %j',
    async path => {
      const evil = bundleOf({ [path]: Buffer.from('x') })
      await expect(store.openPartial(evil.bytes)).rejects.toMatchObject({ code: 'BundleInvalid' })
    }
  )

  it('refuses a bundle whose manifest contradicts itself', async () => {
    const [file] = sample.manifest.files
    const bytes = encodeManifest({ format: 1, files: [{ ...file!, sha256: '0'.repeat(64) }] })
    await expect(store.put(bytes, sample.files)).rejects.toMatchObject({ code: 'BundleInvalid' })
    expect(store.list()).toEqual([])
  })

  it('removes a bundle, complete or not', async () => {
    await store.put(sample.bytes, sample.files)
    await store.remove(sample.bundle)
    expect(store.has(sample.bundle)).toBe(false)
    await store.openPartial(sample.bytes)
    await store.remove(sample.bundle)
    expect(await store.partialManifest(sample.bundle)).toBeUndefined()
  })
})
