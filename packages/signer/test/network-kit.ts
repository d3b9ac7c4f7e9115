import fc from 'fast-check'
import {
  bundleId,
  encodeDescriptor,
  sha256Hex,
  type ClassUpgrade,
  type Descriptor,
  type Json,
  type Manifest
} from '@instar/core'
import {
  delegatedBody,
  delegationsJson,
  rootBody,
  signDocument,
  snapshotBody,
  targetsBody,
  timestampBody,
  toExpires,
  type SnapshotNumbers
} from '../src/authoring/bodies.js'
import { policyPath } from '../src/metadata/admission.js'
import type { JsonObject } from '../src/metadata/canonical.js'
import {
  isDelegated,
  metadataRoles,
  type DelegatedRole,
  type MetadataRole,
  type TopLevelRole
} from '../src/metadata/document.js'
import { haltPath } from '../src/metadata/halt.js'
import {
  createKeyPair,
  createNetwork,
  emptyTrust,
  nextPlace,
  trust,
  type AdmissionPolicy,
  type CreatedNetwork,
  type HaltOrder,
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
  const keys = metadataRoles.flatMap(role =>
    Array.from({ length: counts[role] ?? (isDelegated(role) ? 0 : 1) }, () => {
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
  scheme?: Scheme,
  thresholds: Partial<Record<MetadataRole, number>> = {}
): Promise<TestNetwork> {
  const keystore = memoryKeystore(counts, scheme)
  const created = await createNetwork({
    keystore,
    nowMs,
    thresholds,
    descriptor: network => descriptorAt({ network, version: 1, previous: network })
  })
  const state = feed(emptyTrust(created.network), [...Object.values(created.documents), created.descriptor])
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
  expires = later(365 * dayMs),
  delegations?: JsonObject
): Promise<Uint8Array> {
  const entries = descriptors.flatMap((each, i) => (each === undefined ? [] : [[i + 1, target(each)] as const]))
  return signDocument(targetsBody(revision, entries, expires, delegations), signers)
}

/** A snapshot of the revision of targets, and of what else is named. */
export function signSnapshot(
  version: number,
  numbers: number | SnapshotNumbers,
  signer: Signer,
  ms = 365 * dayMs
): Promise<Uint8Array> {
  const named = typeof numbers === 'number' ? { targets: numbers } : numbers
  return signDocument(snapshotBody(version, named, later(ms)), [signer])
}

export function signTimestamp(version: number, snapshot: number, signer: Signer, ms = 7 * dayMs): Promise<Uint8Array> {
  return signDocument(timestampBody(version, snapshot, later(ms)), [signer])
}

/** A root that gives each role these keys, thresholds 1 unless said. */
export function nextRoot(
  version: number,
  keys: Readonly<Record<TopLevelRole, readonly Signer[]>>,
  thresholds: Partial<Record<MetadataRole, number>> = {}
): JsonObject {
  const of = (role: TopLevelRole) => ({ keys: keys[role].map(each => each.key), threshold: thresholds[role] ?? 1 })
  const roles = { root: of('root'), targets: of('targets'), snapshot: of('snapshot'), timestamp: of('timestamp') }
  return rootBody(version, roles, later(1000 * dayMs))
}

export function keysOf({ keystore }: TestNetwork): Record<MetadataRole, readonly Signer[]> {
  return Object.fromEntries(metadataRoles.map(role => [role, keystore.keysFor(role)])) as Record<
    MetadataRole,
    readonly Signer[]
  >
}

/** Gives halt and admission these keys, thresholds 1 unless said; a role without keys is nobody's. */
export function delegationsOf(
  keys: Readonly<Partial<Record<DelegatedRole, readonly Signer[]>>>,
  thresholds: Partial<Record<DelegatedRole, number>> = {}
): JsonObject {
  const of = (role: DelegatedRole) =>
    keys[role] === undefined
      ? {}
      : { [role]: { keys: keys[role].map(each => each.key), threshold: thresholds[role] ?? 1 } }
  return delegationsJson({ ...of('halt'), ...of('admission') })
}

/** The word on a version of this network's chain, or of another. */
export function orderAt(state: TrustState, version: number, more: Partial<HaltOrder> = {}): HaltOrder {
  const chainId = state.named.run[version - 1]?.chainId ?? 'ab'.repeat(32)
  const at = '2030-01-01T00:00:00Z'
  return { format: 1, version, chainId, order: 'halt', unload: false, reason: 'it hurts', at, ...more }
}

export function signHalt(
  number: number,
  orders: readonly HaltOrder[],
  signers: readonly Signer[],
  expires = later(365 * dayMs)
): Promise<Uint8Array> {
  const values = orders.map(order => [haltPath(order.version), { ...order }] as const)
  return signDocument(delegatedBody('halt', number, values, expires), signers)
}

export function signAdmission(
  number: number,
  policy: AdmissionPolicy,
  signers: readonly Signer[],
  more: readonly (readonly [path: string, value: JsonObject])[] = [],
  expires = later(365 * dayMs)
): Promise<Uint8Array> {
  const values = [[policyPath, { format: 1, policy }] as const, ...more]
  return signDocument(delegatedBody('admission', number, values, expires), signers)
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

/** As sync does it: what was ignored for want of newer trust is asked for again, until nothing changes. */
export function settled(state: TrustState, documents: readonly Uint8Array[]): TrustState {
  for (let round = 0; round < 20; round++) {
    const next = feed(state, documents)
    if (next === state) return state
    state = next
  }
  throw new Error('it does not settle')
}

/** All indices below the length in any order, some of them again. */
export const shuffled = (length: number) => {
  const indices = Array.from({ length }, (_, i) => i)
  const duplicates = fc.array(fc.nat(length - 1), { maxLength: 5 })
  return fc
    .tuple(fc.shuffledSubarray(indices, { minLength: length }), duplicates)
    .map(([order, again]) => [...order, ...again])
}
