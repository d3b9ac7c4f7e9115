import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { bundleId, encodeManifest } from '@instar/core'
import { createBundleStore } from '../src/bundles/bundle-store.js'
import { dataPaths } from '../src/store/data-paths.js'
import { openStoppedPeer, type CarriedPeer } from '../src/mirror/carried-peer.js'
import { bundleFiles, manifest } from './authors.js'
import { temporaryDirectory } from './peers.js'

export const theBundle = bundleId(manifest)

/** The data directory of a peer that was stopped, knowing these documents. */
export async function stoppedPeer(
  network: string,
  documents: readonly Uint8Array[] = [],
  withBundle = false
): Promise<string> {
  const directory = join(await temporaryDirectory(), 'peer')
  await mkdir(directory, { mode: 0o700 })
  await writeFile(join(directory, 'config.json'), JSON.stringify({ format: 1, network }))
  if (withBundle) {
    const store = createBundleStore({ directory: dataPaths(directory).bundles })
    await store.start()
    await store.put(encodeManifest(manifest), bundleFiles)
  }
  await within(directory, peer => peer.submit({ documents }))
  return directory
}

/** Opens a stopped peer, and closes it whatever happens. */
export async function within<T>(directory: string, use: (peer: CarriedPeer) => Promise<T>): Promise<T> {
  const peer = await openStoppedPeer(directory)
  try {
    return await use(peer)
  } finally {
    await peer.close()
  }
}

/** How many descriptors it holds, and until when its trust is fresh. */
export function knows(directory: string): Promise<{ documents: number; descriptors: number }> {
  return within(directory, async peer => {
    const { documents, descriptors } = await peer.trustDocuments()
    return { documents: documents.length, descriptors: descriptors.length }
  })
}
