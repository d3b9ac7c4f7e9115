import { InstarError, manifestBytesMax, parseManifest } from '@instar/core'
import { RepositoryClient, emptyTrust, restoreTrust, trust } from '@instar/signer'
import { bundlesOf } from './bundles-of.js'
import { Carrier, type Carried } from './carrier.js'
import type { CarriedPeer } from './carried-peer.js'
import type { MirrorFetcher } from './mirror-place.js'

export interface ImportMirrorInit {
  readonly peer: CarriedPeer
  readonly mirror: MirrorFetcher
  readonly nowMs: number
  /** Bundles as well, where the mirror has them and the peer does not. */
  readonly withBundles?: boolean
  readonly dryRun?: boolean
  readonly onStep?: (step: string) => void
}

const rootBytesMax = 64 * 1024

/**
 * Reads a mirror as TUF prescribes for a repository with one writer, beginning with the newest root that the peer trusts, and hands what
 * verified to the peer, which judges it as it judges its neighbours: the mirror decides nothing, and may be behind.
 *
 * @throws InstarError MirrorRefused, Unreachable, Timeout, or what the peer throws
 */
export async function importMirror(init: ImportMirrorInit): Promise<Carried> {
  const { peer, mirror, nowMs } = init
  const trusted = await peer.trustDocuments()
  const state = restoreTrust(peer.network, [...trusted.documents, ...trusted.descriptors])
  const first = state.roots.at(-1)?.bytes ?? (await fetchFirstRoot(mirror, peer.network, nowMs))
  const stored = new Map([['root.json', first]])
  const client = new RepositoryClient({
    fetcher: mirror,
    nowMs,
    store: { read: async file => stored.get(file), write: async (file, bytes) => void stored.set(file, bytes) }
  })
  init.onStep?.('metadata')
  const { roots, timestamp, snapshot, targets } = await client.refresh()
  const delegated = await client.delegated()
  const carrier = new Carrier(peer, state, nowMs, init.dryRun)
  const metadata = [...roots, targets, ...delegated, snapshot, timestamp]
  for (const { bytes } of metadata) await carrier.carry(bytes)

  const descriptors: Uint8Array[] = []
  const upgrades = [...targets.model.targets].filter(([path]) => path.startsWith('upgrades/'))
  for (const [path, facts] of upgrades) {
    const held = state.descriptors.get(facts.hashes?.get('sha256') ?? '')
    if (held === undefined) init.onStep?.(path)
    descriptors.push(held?.bytes ?? (await client.download({ path, facts })))
  }
  for (const bytes of descriptors) await carrier.carry(bytes)
  await carrier.end()
  if (init.withBundles === true) {
    for (const id of bundlesOf(descriptors).keys()) {
      init.onStep?.(`bundle ${id.slice(0, 16)}`)
      await carryBundle(mirror, carrier, id)
    }
  }
  return carrier.carried
}

/** The network's id is the hash of its first root: a peer that knows nothing else knows that. */
async function fetchFirstRoot(mirror: MirrorFetcher, network: string, nowMs: number): Promise<Uint8Array> {
  const bytes = await mirror.fetch('metadata', ['1.root.json'], rootBytesMax)
  const verdict = bytes && trust(emptyTrust(network), bytes, nowMs).verdict
  if (bytes !== undefined && verdict?.verdict === 'accept') return bytes
  const flaw = verdict === undefined ? 'it has no 1.root.json' : `its first root is not that of this network`
  throw new InstarError('MirrorRefused', `The mirror is not one of network ${network.slice(0, 16)}…: ${flaw}.`)
}

async function carryBundle(mirror: MirrorFetcher, carrier: Carrier, id: string): Promise<void> {
  if (await carrier.hasBundle(id)) return
  const bytes = await mirror.fetch('bundles', [id, 'manifest.json'], manifestBytesMax)
  if (bytes === undefined) {
    carrier.missingBundle(id)
    return
  }
  const manifest = parseManifest(bytes, id)
  if (manifest.verdict !== 'accept') throw refused(id, manifest.detail)
  const missing = await carrier.beginBundle(id, bytes)
  for (const { path, bytes: bytesMax } of manifest.value.files) {
    if (!missing.has(path)) continue
    const file = await mirror.fetch('bundles', [id, 'files', ...path.split('/')], bytesMax)
    if (file === undefined) throw refused(id, `${path} is missing`)
    await carrier.carryFile(id, path, file)
  }
  await carrier.endBundle(id)
}

function refused(id: string, flaw: string): InstarError {
  return new InstarError('MirrorRefused', `The mirror cannot be trusted with bundle ${id}: ${flaw}.`)
}
