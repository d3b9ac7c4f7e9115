import { chunkBytes, InstarError, parseManifest, type ManifestFile } from '@instar/core'
import type { BundleStore } from '../bundles/bundle-store.js'
import type { PartialBundle } from '../bundles/partial-bundle.js'
import type { BundleState, PeerControl } from './peer-control.js'

/** Bundles whose upload is open at once; an author has a few. */
const uploadsMax = 16

/** The part of {@link PeerControl} that brings an author's bundle into the store of this peer, chunk by verified chunk. */
export type BundleUpload = Pick<PeerControl, 'bundle' | 'putManifest' | 'putFile'>

export function createBundleUpload(store: BundleStore): BundleUpload {
  const uploads = new Map<string, PartialBundle>()

  const stateOf = (id: string): BundleState => {
    const upload = uploads.get(id)
    const missing = new Set((upload?.missing() ?? []).map(chunk => chunk.path))
    return { id, complete: store.has(id), missing: [...missing] }
  }
  const finishWhenWhole = async (id: string, upload: PartialBundle) => {
    if (upload.missing().length > 0 || uploads.get(id) !== upload) return
    uploads.delete(id)
    await upload.finish()
  }

  return {
    bundle: async id => stateOf(id),
    async putManifest(id, manifest) {
      const read = parseManifest(manifest, id)
      if (read.verdict !== 'accept') throw new InstarError('BundleInvalid', `This is not the manifest: ${read.detail}.`)
      if (store.has(id) || uploads.has(id)) return stateOf(id)
      if (uploads.size >= uploadsMax)
        throw new InstarError('BundleInvalid', `${uploadsMax} bundles are being uploaded; finish one of them first.`)
      const upload = await store.openPartial(manifest)
      uploads.set(id, upload)
      await finishWhenWhole(id, upload)
      return stateOf(id)
    },
    async putFile(id, path, bytes) {
      if (store.has(id)) return stateOf(id)
      const upload = uploads.get(id)
      if (upload === undefined)
        throw new InstarError('BundleInvalid', `The manifest of bundle ${id} comes before its files.`)
      const file = upload.manifest.files.find(each => each.path === path)
      if (file === undefined) throw new InstarError('BundleInvalid', `The manifest names no file ${path}.`)
      await writeChunks(upload, file, bytes)
      await finishWhenWhole(id, upload)
      return stateOf(id)
    }
  }
}

/** Writes the chunks of one file as it arrives; at most one chunk is in memory. */
async function writeChunks(upload: PartialBundle, file: ManifestFile, bytes: AsyncIterable<Uint8Array>): Promise<void> {
  const missing = upload.missing().filter(chunk => chunk.path === file.path)
  let index = 0
  for await (const chunk of toChunks(bytes, file)) {
    const place = missing.find(each => each.chunk === index)
    if (place !== undefined && !(await upload.write(place, chunk))) throw wrongFile(file, `chunk ${index} differs`)
    index++
  }
  // R19: a file that ends early has written true chunks only, but it is not the file.
  if (index < file.chunks.length) throw wrongFile(file, 'it is shorter than the manifest says')
}

async function* toChunks(bytes: AsyncIterable<Uint8Array>, file: ManifestFile): AsyncGenerator<Uint8Array> {
  const chunk = Buffer.alloc(Math.min(chunkBytes, file.bytes))
  let filled = 0
  let total = 0
  for await (let part of bytes) {
    total += part.byteLength
    if (total > file.bytes) throw wrongFile(file, 'it is longer than the manifest says')
    while (part.byteLength > 0) {
      const taken = Math.min(part.byteLength, chunk.byteLength - filled)
      chunk.set(part.subarray(0, taken), filled)
      filled += taken
      part = part.subarray(taken)
      if (filled < chunk.byteLength) continue
      yield new Uint8Array(chunk)
      filled = 0
    }
  }
  if (filled > 0) yield new Uint8Array(chunk.subarray(0, filled))
}

function wrongFile(file: ManifestFile, flaw: string): InstarError {
  return new InstarError('BundleInvalid', `The file ${file.path} is not the one that the manifest names: ${flaw}.`)
}
