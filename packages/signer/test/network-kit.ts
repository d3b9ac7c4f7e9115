import {
  bundleId,
  encodeDescriptor,
  sha256Hex,
  type ClassUpgrade,
  type Descriptor,
  type Json,
  type Manifest
} from '@instar/core'
import { rootBody, signDocument, snapshotBody, targetsBody, timestampBody, toExpires } from '../src/authoring/bodies.js'
import type { JsonObject } from '../src/metadata/canonical.js'
import type { MetadataRole } from '../src/metadata/document.js'
import {
  createKeyPair,
  createNetwork,
  emptyTrust,
  nextPlace,
  trust,
  type CreatedNetwork,
  type Keystore,
  type Ledger,
  type Scheme,
  type Signer,
  type TrustFact,
  type TrustState
} from '../src/index.js'

export const nowMs = Date.parse('2030-01-01T00:00:00Z')
export const dayMs = 86_400_000

/** A keystore that never touches a disk. */
export function memoryKeystore(counts: Partial<Record<MetadataRole, number>> = {}, scheme?: Scheme): Keystore {
  const roles: readonly MetadataRole[] = ['root', 'targets', 'snapshot', 'timestamp']
  const keys = roles.flatMap(role =>
    Array.from({ length: counts[role] ?? 1 }, () => {
      const signer = createKeyPair(scheme)
      return { role, key: signer.key, signer, protection: 'none' as const, file: 'memory' }
    })
  )
  return {
    directory: 'memory',
    keys,
    keysFor: role => keys.filter(each => each.role === role).map(each => each.signer)
  }
}

export const manifest: Manifest = {
  format: 1,
  files: [{ path: 'set.js', bytes: 3, sha256: sha256Hex('abc'), chunks: [sha256Hex('abc')] }]
}

const classUpgrade: ClassUpgrade = {
  newClass: 'Set1',
  bundle: bundleId(manifest),
  entry: 'set.js',
  compatible: false,
  transform: 'none',
  state: 'managed',
  durability: 'os',
  back: 'none',
  schedule: { strategy: { type: 'eager' }, deadline: '2030-02-01T00:00:00Z', deadlineSpreadMs: 600_000 },
  probationMs: 0,
  stableMs: 1000,
  retirement: { quietMs: dayMs }
}

export function descriptorAt(
  place: { network: string; version: number; previous: string },
  title = 'a set'
): Descriptor {
  const { version } = place
  const upgrade: ClassUpgrade =
    version === 1 ? classUpgrade : { ...classUpgrade, oldClass: `Set${version - 1}`, newClass: `Set${version}` }
  return {
    format: 1,
    ...place,
    title,
    notes: '',
    createdAt: '2030-01-01T00:00:00Z',
    runtime: '>=0.1.0',
    supersedes: [],
    classes: [upgrade]
  }
}

/** A network with all its private keys, for those who attack it. */
export interface TestNetwork {
  readonly keystore: Keystore
  readonly created: CreatedNetwork
  readonly network: string
  /** Holds everything of version 1. */
  readonly state: TrustState
  key(role: MetadataRole, index?: number): Signer
}

export async function testNetwork(
  counts: Partial<Record<MetadataRole, number>> = {},
  scheme?: Scheme
): Promise<TestNetwork> {
  const keystore = memoryKeystore(counts, scheme)
  const created = await createNetwork({
    keystore,
    nowMs,
    descriptor: network => descriptorAt({ network, version: 1, previous: network })
  })
  const { root, targets, snapshot, timestamp } = created.documents
  const state = feed(emptyTrust(created.network), [root, targets, snapshot, timestamp, created.descriptor])
  return {
    keystore,
    created,
    network: created.network,
    state,
    key: (role, index = 0) => keystore.keysFor(role)[index]!
  }
}

/** Feeds documents in order, whatever the verdicts. */
export function feed(state: TrustState, documents: readonly Uint8Array[]): TrustState {
  return documents.reduce((each, document) => trust(each, document, nowMs).state, state)
}

/** Verdict and code in one word, as the tests read best: `accept`, `ignore Known`, `reject TooLarge`. */
export function outcome(state: TrustState, document: Uint8Array): string {
  const { verdict } = trust(state, document, nowMs)
  return verdict.verdict === 'accept' ? 'accept' : `${verdict.verdict} ${verdict.code}`
}

export function factsOf(state: TrustState, document: Uint8Array): readonly TrustFact[] {
  return trust(state, document, nowMs).facts
}

export const later = (ms: number): string => toExpires(nowMs + ms)

export function target(descriptor: Uint8Array): { hash: string; byteLength: number } {
  return { hash: sha256Hex(descriptor), byteLength: descriptor.byteLength }
}

/** Targets that name exactly these descriptors as versions 1, 2, …; undefined leaves a gap. */
export function signTargets(
  revision: number,
  descriptors: readonly (Uint8Array | undefined)[],
  signers: readonly Signer[],
  expires = later(365 * dayMs)
): Promise<Uint8Array> {
  const entries = descriptors.flatMap((each, i) => (each === undefined ? [] : [[i + 1, target(each)] as const]))
  return signDocument(targetsBody(revision, entries, expires), signers)
}

export function signSnapshot(version: number, revision: number, signer: Signer, ms = 365 * dayMs): Promise<Uint8Array> {
  return signDocument(snapshotBody(version, revision, later(ms)), [signer])
}

export function signTimestamp(version: number, snapshot: number, signer: Signer, ms = 7 * dayMs): Promise<Uint8Array> {
  return signDocument(timestampBody(version, snapshot, later(ms)), [signer])
}

/** A root that gives each role these keys, thresholds 1 unless said. */
export function nextRoot(
  version: number,
  keys: Readonly<Record<MetadataRole, readonly Signer[]>>,
  thresholds: Partial<Record<MetadataRole, number>> = {}
): JsonObject {
  const of = (role: MetadataRole) => ({ keys: keys[role].map(each => each.key), threshold: thresholds[role] ?? 1 })
  const roles = { root: of('root'), targets: of('targets'), snapshot: of('snapshot'), timestamp: of('timestamp') }
  return rootBody(version, roles, later(1000 * dayMs))
}

export function keysOf({ keystore }: TestNetwork): Record<MetadataRole, readonly Signer[]> {
  return {
    root: keystore.keysFor('root'),
    targets: keystore.keysFor('targets'),
    snapshot: keystore.keysFor('snapshot'),
    timestamp: keystore.keysFor('timestamp')
  }
}

/** The canonical bytes of a descriptor for the version after the newest. */
export function nextDescriptor(state: TrustState, title?: string): Uint8Array {
  return encodeDescriptor(descriptorAt(nextPlace(state), title))
}

/** Changes the parsed document and leaves its signatures as they are. */
export function tamper(
  document: Uint8Array,
  change: (parsed: { signed: Record<string, Json>; signatures: Json[] }) => void
): Uint8Array {
  const parsed = JSON.parse(Buffer.from(document).toString()) as { signed: Record<string, Json>; signatures: Json[] }
  change(parsed)
  return Buffer.from(JSON.stringify(parsed))
}

export function memoryLedger(): Ledger {
  return { promise: async () => {} }
}
