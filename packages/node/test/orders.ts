// What is signed beside upgrades, for tests of how it spreads.

import { encodeDescriptor, sha256Hex, toCanonicalJson, type Json } from '@instar/core'
import { createKeyPair, loadKeystore, type Signer } from '@instar/signer'
import { descriptorOf, type TestNetwork } from './authors.js'

const year = 365 * 86_400_000

const expiresAt = (ms: number) => new Date(ms).toISOString().replace(/\.\d+Z$/, 'Z')

/** Number `revision` of the halt register: a halt of one version. */
export async function haltOf(
  network: TestNetwork,
  version: number,
  { revision = 1, expiresMs = Date.now() + year, reason = 'it loses data' } = {}
): Promise<Uint8Array> {
  const order = {
    format: 1,
    version,
    chainId: network.state().named.run[version - 1]!.chainId,
    order: 'halt',
    unload: false,
    reason,
    at: new Date().toISOString()
  }
  const bytes = toCanonicalJson(order)
  const target = { length: bytes.length, hashes: { sha256: sha256Hex(bytes) }, custom: order }
  return network.sign('halt', {
    _type: 'targets',
    spec_version: '1.0.31',
    version: revision,
    expires: expiresAt(expiresMs),
    instar: { role: 'halt' },
    targets: { [`halt/${version}`]: target }
  })
}

/** The newest targets once more under the same number, with another descriptor for their newest version (R20). */
export async function twinOf(network: TestNetwork): Promise<{ targets: Uint8Array; descriptor: Uint8Array }> {
  const { targets, named } = network.state()
  const newest = named.run.at(-1)!
  const previous = named.run.at(-2)?.chainId ?? network.network
  const other = { ...descriptorOf(network.network, newest.version, previous), title: 'The other one' }
  const descriptor = encodeDescriptor(other)
  const signed = targets!.signed as { readonly targets: { readonly [path: string]: Json } }
  const entry = { length: descriptor.length, hashes: { sha256: sha256Hex(descriptor) } }
  const body = { ...signed, targets: { ...signed.targets, [`upgrades/${newest.version}`]: entry } }
  return { targets: await network.sign('targets', body), descriptor }
}

/** The next root, in which new keys take the place of all keys of some roles; the new keys by role. */
export async function rotationOf(
  network: TestNetwork,
  roles: readonly ('root' | 'targets' | 'snapshot' | 'timestamp')[],
  oldRootKeys?: readonly Signer[]
): Promise<{ root: Uint8Array; signers: Map<string, Signer> }> {
  const { version, signed } = network.state().roots.at(-1)!
  const body = signed as { keys: Record<string, Json>; roles: Record<string, { keyids: string[]; threshold: number }> }
  const signers = new Map(roles.map(role => [role as string, createKeyPair()]))
  const keys = { ...body.keys }
  const named = { ...body.roles }
  for (const [role, { key }] of signers) {
    keys[key.keyId] = { keytype: 'ed25519', scheme: 'ed25519', keyval: { public: key.public } }
    named[role] = { keyids: [key.keyId], threshold: 1 }
  }
  const used = new Set(Object.values(named).flatMap(({ keyids }) => keyids))
  const next = {
    ...signed,
    version: version + 1,
    keys: Object.fromEntries(Object.entries(keys).filter(([keyId]) => used.has(keyId))),
    roles: named
  }
  const newRootKey = signers.get('root')
  const old = oldRootKeys ?? (await loadKeystore(network.keys)).keysFor('root')
  return {
    root: await network.sign('root', next, [...old, ...(newRootKey === undefined ? [] : [newRootKey])]),
    signers
  }
}
