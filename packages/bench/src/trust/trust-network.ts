import { chainId, encodeDescriptor, sha256Hex, toCanonicalJson, type Descriptor, type Json } from '@instar/core'
import {
  createKeyPair,
  createNetwork,
  emptyTrust,
  haltsOf,
  trust,
  type CreatedNetwork,
  type KeyPair,
  type Keystore,
  type MetadataRole,
  type TrustState
} from '@instar/signer'

/** The documents that a peer trusts, by kind; descriptors are the others. */
export const metadataKinds = ['root', 'targets', 'halt', 'admission', 'snapshot', 'timestamp'] as const
export type DocumentKind = (typeof metadataKinds)[number] | 'descriptor'

/** A network in memory, as a peer trusts it. */
export interface TrustNetwork {
  readonly state: TrustState
  readonly documents: Readonly<Record<DocumentKind, Uint8Array>>
  /** One more of each kind, that this peer takes. */
  readonly next: Readonly<Record<DocumentKind, Uint8Array>>
  /** All descriptors together. */
  readonly descriptorBytes: number
}

type Body = Readonly<Record<string, Json>>

const nowMs = Date.parse('2030-01-01T00:00:00Z')
/** Three people for root and for targets, of whom two sign; one key for each of the others. */
const keyCounts: Readonly<Record<MetadataRole, number>> = {
  root: 3,
  targets: 3,
  snapshot: 1,
  timestamp: 1,
  halt: 1,
  admission: 1
}

/** A network of this many versions, each an upgrade of one class. */
export async function createTrustNetwork(versions: number): Promise<TrustNetwork> {
  const keystore = keystoreInMemory()
  const { created, descriptors } = await createChain(keystore, versions + 1)
  const sign = (like: Uint8Array, role: MetadataRole, change: (body: Body) => Body) =>
    resign(like, keystore.keysFor(role).slice(0, role === 'root' || role === 'targets' ? 2 : 1), change)
  const first = created.documents
  const admission = present(first.admission)
  const targetsAt = (version: number, count: number) =>
    sign(first.targets, 'targets', body => ({ ...body, version, targets: entriesOf(descriptors.slice(0, count)) }))
  const halt = await sign(first.targets, 'halt', body => haltBody(body, 1, created.network))
  const named = (targets: number) => ({
    'targets.json': { version: targets },
    'halt.json': { version: 1 },
    'admission.json': { version: 1 }
  })
  const documents = {
    root: first.root,
    targets: await targetsAt(2, versions),
    halt,
    admission,
    snapshot: await sign(first.snapshot, 'snapshot', body => ({ ...body, version: 2, meta: named(2) })),
    timestamp: await sign(first.timestamp, 'timestamp', body => timestampBody(body, 2, '2030-01-08T00:00:00Z')),
    descriptor: present(descriptors[versions - 1])
  }
  const held = descriptors.slice(0, versions)
  const state = [...metadataKinds.map(kind => documents[kind]), ...held].reduce(take, emptyTrust(created.network))
  if (haltsOf(state).size !== 1) throw new Error('the network is not trusted as it was made')
  return {
    state,
    documents,
    next: {
      root: await sign(first.root, 'root', body => ({ ...body, version: 2 })),
      targets: await targetsAt(3, versions + 1),
      halt: await sign(first.targets, 'halt', body => haltBody(body, 2, created.network)),
      admission: await sign(admission, 'admission', body => ({ ...body, version: 2 })),
      snapshot: await sign(first.snapshot, 'snapshot', body => ({ ...body, version: 3, meta: named(2) })),
      timestamp: await sign(first.timestamp, 'timestamp', body => timestampBody(body, 3, '2030-01-09T00:00:00Z')),
      descriptor: present(descriptors[versions])
    },
    descriptorBytes: held.reduce((sum, each) => sum + each.byteLength, 0)
  }
}

/** What the state is with one document more. */
function take(state: TrustState, document: Uint8Array): TrustState {
  return trust(state, document, nowMs).state
}

/** @returns accept, or the code of the verdict */
export function judge(state: TrustState, document: Uint8Array): string {
  const { verdict } = trust(state, document, nowMs)
  return verdict.verdict === 'accept' ? 'accept' : verdict.code
}

/** The document with its first signature altered, and what was signed as it was. */
export function forge(document: Uint8Array): Uint8Array {
  return Buffer.from(
    Buffer.from(document)
      .toString()
      .replace(/"sig":"(..)/, (_all, digits: string) => `"sig":"${digits === '00' ? '01' : '00'}`)
  )
}

/** Of this size, in the name of a key that the role has. */
export function forgeLarge(document: Uint8Array, bytes: number): Uint8Array {
  const { signatures, signed } = parse(document)
  const filler: Record<string, Json> = {}
  const entry = { hashes: { sha256: 'ab'.repeat(32) }, length: 9 }
  const count = Math.floor((bytes - document.byteLength) / (JSON.stringify(entry).length + 20))
  for (let i = 1; i <= count; i++) filler[`upgrades/${i}`] = entry
  return forge(Buffer.from(JSON.stringify({ signatures, signed: { ...signed, targets: filler } })))
}

async function createChain(keystore: Keystore, versions: number) {
  const descriptors: Uint8Array[] = []
  const made = await createNetwork({
    keystore,
    nowMs,
    descriptor: network => descriptorAt(network, 1, network),
    thresholds: { root: 2, targets: 2 }
  })
  let previous = made.network
  for (let version = 1; version <= versions; version++) {
    const bytes = encodeDescriptor(descriptorAt(made.network, version, previous))
    descriptors.push(bytes)
    previous = chainId(previous, version, sha256Hex(bytes))
  }
  return { created: made satisfies CreatedNetwork, descriptors }
}

function keystoreInMemory(): Keystore {
  const pairs = new Map<MetadataRole, readonly KeyPair[]>(
    Object.entries(keyCounts).map(([role, length]) => [
      role as MetadataRole,
      Array.from({ length }, () => createKeyPair())
    ])
  )
  return { directory: 'memory', keys: [], keysFor: role => pairs.get(role) ?? [] }
}

function descriptorAt(network: string, version: number, previous: string): Descriptor {
  return {
    format: 1,
    network,
    version,
    previous,
    title: `Version ${version} of the set`,
    notes: 'Faster, and it takes batches.',
    createdAt: '2030-01-01T00:00:00Z',
    runtime: '>=0.1.0',
    supersedes: [],
    classes: [
      {
        ...(version === 1 ? {} : { oldClass: `Set${version - 1}` }),
        newClass: `Set${version}`,
        bundle: 'ab'.repeat(32),
        entry: 'set.js',
        compatible: false,
        transform: 'none',
        state: 'managed',
        durability: 'os',
        back: 'none',
        schedule: { strategy: { type: 'eager' }, deadline: '2030-02-01T00:00:00Z', deadlineSpreadMs: 600_000 },
        probationMs: 0,
        stableMs: 1000,
        retirement: { quietMs: 86_400_000 }
      }
    ]
  }
}

function entriesOf(descriptors: readonly Uint8Array[]): Json {
  return Object.fromEntries(
    descriptors.map((each, i) => [
      `upgrades/${i + 1}`,
      { hashes: { sha256: sha256Hex(each) }, length: each.byteLength }
    ])
  )
}

/** A halt of a version that is not here yet: any history of it may be meant. */
function haltBody({ delegations: _, ...body }: Body, version: number, network: string): Body {
  const order = {
    format: 1,
    version: 1_000_000,
    chainId: network,
    order: 'halt',
    unload: false,
    reason: 'it loses the second of two equal entries',
    at: '2030-01-01T00:00:00Z'
  }
  const value = toCanonicalJson(order)
  const entry = { length: value.byteLength, hashes: { sha256: sha256Hex(value) }, custom: order }
  return { ...body, version, instar: { role: 'halt' }, targets: { [`halt/${order.version}`]: entry } }
}

function timestampBody(body: Body, version: number, expires: string): Body {
  return { ...body, version, expires, meta: { 'snapshot.json': { version: 2 } } }
}

function parse(document: Uint8Array): { readonly signed: Body; readonly signatures: Json } {
  return JSON.parse(Buffer.from(document).toString()) as { signed: Body; signatures: Json }
}

/** In this text nothing is escaped, so that the core's canonical form is TUF's. The signatures are sorted, as a peer keeps them. */
async function resign(
  like: Uint8Array,
  signers: ReturnType<Keystore['keysFor']>,
  change: (body: Body) => Body
): Promise<Uint8Array> {
  const signed = change(parse(like).signed)
  const bytes = toCanonicalJson(signed)
  const signatures = await Promise.all(
    signers.map(async signer => ({
      keyid: signer.key.keyId,
      sig: Buffer.from(await signer.sign(bytes)).toString('hex')
    }))
  )
  return toCanonicalJson({ signatures: signatures.sort((a, b) => (a.keyid < b.keyid ? -1 : 1)), signed })
}

function present<T>(value: T | undefined): T {
  if (value === undefined) throw new Error('a document that is always made is missing')
  return value
}
