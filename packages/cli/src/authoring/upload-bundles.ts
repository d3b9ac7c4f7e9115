import { join } from 'node:path'
import { bundleId, encodeManifest, InstarError, type Manifest } from '@instar/core'
import type { ControlClient } from '../control/control-client.js'

/** Brings the bundles of an upgrade to the peer: those that it has not, and of these the files that it lacks. */
export async function uploadBundles(
  client: ControlClient,
  manifests: readonly Manifest[],
  folder: string,
  onBundle: (id: string, uploaded: number) => void
): Promise<void> {
  for (const manifest of manifests) {
    const id = bundleId(manifest)
    const uploaded = (await client.bundle(id)).complete ? 0 : await uploadBundle(client, id, join(folder, id))
    onBundle(id, uploaded)
  }
}

async function uploadBundle(client: ControlClient, id: string, folder: string): Promise<number> {
  const { readBundle } = await import('@instar/bundler')
  const { bundle, manifest, files } = await readBundle(folder)
  if (bundle !== id) throw new InstarError('BundleInvalid', `${folder} holds the bundle ${bundle}, not ${id}.`)
  const { missing } = await client.putManifest(id, encodeManifest(manifest))
  for (const path of missing) await client.putFile(id, path, files.get(path) ?? new Uint8Array())
  if (!(await client.bundle(id)).complete)
    throw new InstarError('BundleInvalid', `The peer did not complete the bundle ${id}; see its log.`)
  return missing.length
}
