import { bundleId, chunkBytes, encodeManifest, sha256Hex, type Manifest } from '@instar/core'
import { describe, expect, it } from 'vitest'
import type { ChunkRef } from '../bundles/bundle-folder.js'
import type { BundleStore } from '../bundles/bundle-store.js'
import { createBundleUpload } from './bundle-upload.js'

const large = new Uint8Array(chunkBytes + 10).map((_, i) => i % 251)
const small = new Uint8Array([1, 2, 3])
const fileOf = (path: string, bytes: Uint8Array) => ({
  path,
  bytes: bytes.byteLength,
  sha256: sha256Hex(bytes),
  chunks: [bytes.subarray(0, chunkBytes), bytes.subarray(chunkBytes)]
    .filter(each => each.byteLength > 0)
    .map(each => sha256Hex(each))
})
const manifest: Manifest = { format: 1, files: [fileOf('large.bin', large), fileOf('small.bin', small)] }
const id = bundleId(manifest)
const signal = new AbortController().signal

/** A store in memory that checks chunks as the real one does. */
function createFakeStore() {
  const here = new Set<string>()
  const written: string[] = []
  const missing = new Map<string, ChunkRef>()
  for (const file of manifest.files)
    for (const [chunk, sha256] of file.chunks.entries())
      missing.set(`${file.path} ${chunk}`, { path: file.path, chunk, offset: 0, bytes: 0, sha256 })
  const store = {
    has: (bundle: string) => here.has(bundle),
    openPartial: async () => ({
      bundle: id,
      manifest,
      missing: () => [...missing.values()],
      async write(chunk: ChunkRef, bytes: Uint8Array) {
        if (sha256Hex(bytes) !== chunk.sha256) return false
        written.push(`${chunk.path} ${chunk.chunk}`)
        return missing.delete(`${chunk.path} ${chunk.chunk}`)
      },
      finish: async () => void here.add(id)
    })
  }
  return { store: store as unknown as BundleStore, written }
}

async function* inParts(bytes: Uint8Array, partBytes: number): AsyncGenerator<Uint8Array> {
  for (let i = 0; i < bytes.byteLength; i += partBytes) yield bytes.subarray(i, i + partBytes)
}

describe('uploading a bundle', () => {
  it('writes chunk by chunk, whatever the parts in which files arrive, and ends with a complete bundle', async () => {
    const { store, written } = createFakeStore()
    const upload = createBundleUpload(store)
    expect(await upload.bundle(id)).toEqual({ id, complete: false, missing: [] })
    expect((await upload.putManifest(id, encodeManifest(manifest))).missing).toEqual(['large.bin', 'small.bin'])
    expect((await upload.putFile(id, 'large.bin', inParts(large, 100_001), signal)).missing).toEqual(['small.bin'])
    expect(await upload.putFile(id, 'small.bin', inParts(small, 1), signal)).toEqual({
      id,
      complete: true,
      missing: []
    })
    expect(written).toEqual(['large.bin 0', 'large.bin 1', 'small.bin 0'])
    expect((await upload.putManifest(id, encodeManifest(manifest))).complete).toBe(true)
  })

  it.each([
    ['altered', small.map(byte => byte ^ 1), 'chunk 0 differs'],
    ['longer', new Uint8Array(4), 'longer'],
    ['shorter', new Uint8Array(0), 'shorter']
  ])('refuses a file that is %s', async (_name, bytes, flaw) => {
    const { store, written } = createFakeStore()
    const upload = createBundleUpload(store)
    await upload.putManifest(id, encodeManifest(manifest))
    const refused = upload.putFile(id, 'small.bin', inParts(bytes, 100), signal)
    await expect(refused).rejects.toMatchObject({
      code: 'BundleInvalid',
      message: expect.stringContaining(flaw) as string
    })
    expect(written).toEqual([])
  })

  it.each([
    [
      'another manifest',
      async (upload: ReturnType<typeof createBundleUpload>) =>
        upload.putManifest('0'.repeat(64), encodeManifest(manifest))
    ],
    [
      'a file before its manifest',
      async (upload: ReturnType<typeof createBundleUpload>) =>
        upload.putFile(id, 'small.bin', inParts(small, 3), signal)
    ],
    [
      'a file that the manifest does not name',
      async (upload: ReturnType<typeof createBundleUpload>) => {
        await upload.putManifest(id, encodeManifest(manifest))
        return upload.putFile(id, '../small.bin', inParts(small, 3), signal)
      }
    ]
  ])('refuses %s', async (_name, attempt) => {
    await expect(attempt(createBundleUpload(createFakeStore().store))).rejects.toMatchObject({ code: 'BundleInvalid' })
  })
})
