import { parseManifest, type Manifest } from '@instar/core'
import { chunksOf, sha256, type ChunkRef } from '../bundles/bundle-folder.js'
import { carriedAnnouncementsMax } from '../peer/carried-announcements.js'
import { offlineFileInvalid, type OfflineIndex } from './offline-record.js'
import { readOfflineFile } from './offline-reader.js'

/** What an offline file holds, as far as it can be said without believing anybody. */
export interface OfflineContents {
  readonly index: OfflineIndex
  readonly documents: number
  readonly descriptors: number
  /** Statements of peers about themselves. */
  readonly announcements: number
  readonly bytes: number
}

/**
 * Reads an offline file from its beginning to its end before anything is done with it: it is whole, its records stand in their order,
 * every bundle is the one that its id names, and every chunk the one that its manifest names. Who signed what is for the peer to judge.
 *
 * @throws InstarError OfflineFileInvalid
 */
export async function inspectOfflineFile(path: string): Promise<OfflineContents> {
  let index: OfflineIndex | undefined
  let bundle: OpenBundle | undefined
  const counts = { document: 0, descriptor: 0, announcement: 0, bytes: 0 }
  const finish = () => {
    if (bundle !== undefined && bundle.left.length > 0)
      throw offlineFileInvalid(path, `bundle ${bundle.id} is not whole`)
  }
  for await (const { header, body } of readOfflineFile(path)) {
    counts.bytes += body.byteLength
    if ((header.kind === 'index') === (index !== undefined))
      throw offlineFileInvalid(path, 'it does not begin with one index')
    if (header.kind === 'index') index = header
    if (header.kind === 'document' || header.kind === 'descriptor' || header.kind === 'announcement') {
      if (bundle !== undefined) throw offlineFileInvalid(path, 'a document stands behind a bundle')
      counts[header.kind]++
      if (counts.announcement > carriedAnnouncementsMax)
        throw offlineFileInvalid(path, `it has more than ${carriedAnnouncementsMax} announcements`)
    }
    if (header.kind === 'manifest') {
      finish()
      const manifest = parseManifest(body, header.bundle)
      if (manifest.verdict !== 'accept') throw offlineFileInvalid(path, `bundle ${header.bundle}: ${manifest.detail}`)
      bundle = openBundle(header.bundle, manifest.value)
    }
    if (header.kind === 'chunk') {
      // The only names under which anything is stored are those of the manifest, whose form forbids every way out of its folder.
      const expected = bundle?.left.pop()
      const isExpected =
        bundle?.id === header.bundle && expected?.path === header.path && expected.chunk === header.chunk
      if (expected === undefined || !isExpected) {
        throw offlineFileInvalid(path, `a chunk of ${JSON.stringify(header.path)} stands where none belongs`)
      }
      if (body.byteLength !== expected.bytes || sha256(body) !== expected.sha256) {
        throw offlineFileInvalid(path, `chunk ${header.chunk} of ${header.path} is not what its manifest names`)
      }
    }
  }
  finish()
  if (index === undefined) throw offlineFileInvalid(path, 'it does not begin with one index')
  const { document: documents, descriptor: descriptors, announcement: announcements, bytes } = counts
  return { index, documents, descriptors, announcements, bytes }
}

interface OpenBundle {
  readonly id: string
  /** In the reverse of their order. */
  readonly left: ChunkRef[]
}

function openBundle(id: string, manifest: Manifest): OpenBundle {
  return { id, left: manifest.files.flatMap(chunksOf).reverse() }
}
