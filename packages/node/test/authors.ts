// Networks and versions for tests, made with the signer's own tools.

import { join } from 'node:path'
import { bundleId, sha256Hex, toCanonicalJson, type Descriptor, type Json, type Manifest } from '@instar/core'
import {
  createKeystore,
  createNetwork,
  emptyTrust,
  finishProposals,
  issueCertificate,
  openLedger,
  refreshTimestamp,
  propose,
  signProposal,
  trust,
  type Keystore,
  type MetadataRole,
  type Signer,
  type TrustState
} from '@instar/signer'
import { temporaryDirectory } from './peers.js'

export interface TestNetwork {
  readonly network: string
  /** Everything of version 1, in feeding order. */
  readonly documents: readonly Uint8Array[]
  /** Signs the next version. Its documents in feeding order, the descriptor last. */
  readonly next: (more?: Partial<Descriptor>) => Promise<readonly Uint8Array[]>
  /** The keystore of everybody: authors, root and online signers. */
  readonly keys: string
  /** What is trusted by all that was signed here. */
  readonly state: () => TrustState
  /** Signs any body, with all keys of a role or with others. */
  readonly sign: (
    role: MetadataRole,
    body: { readonly [field: string]: Json },
    signers?: readonly Signer[]
  ) => Promise<Uint8Array>
  /** The next admission document; what was revoked stays so. */
  readonly admission: (policy: 'open' | 'certificate', revoke?: readonly string[]) => Promise<Uint8Array>
  /** A certificate for a peer by the admission key; begun and ended so long from now. */
  readonly admit: (peer: string, more?: { lifeMs?: number; nowMs?: number; serial?: string }) => Promise<Uint8Array>
  /** A timestamp that says nothing new but that the rest is still so. */
  readonly refresh: () => Promise<readonly Uint8Array[]>
  /** Lets time pass for those who sign. */
  readonly pass: (ms: number) => void
}

/** @param nowMs - when it is made; by default now */
export async function makeNetwork(genesis: Partial<Descriptor> = {}, nowMs = Date.now()): Promise<TestNetwork> {
  const directory = await temporaryDirectory()
  const keystore = await createKeystore(join(directory, 'keys'), 'unencrypted')
  const created = await createNetwork({
    keystore,
    descriptor: network => ({ ...descriptorOf(network, 1, network), ...genesis }),
    nowMs
  })
  const documents = [...Object.values(created.documents), created.descriptor]
  let state = documents.reduce(fed, emptyTrust(created.network))
  let moments = 0
  const onlineKeys = { snapshot: firstKey(keystore, 'snapshot'), timestamp: firstKey(keystore, 'timestamp') }
  const sign: TestNetwork['sign'] = async (role, body, signers = keystore.keysFor(role)) => {
    const bytes = toCanonicalJson(body)
    const signatures = await Promise.all(
      signers.map(async signer => ({
        keyid: signer.key.keyId,
        sig: Buffer.from(await signer.sign(bytes)).toString('hex')
      }))
    )
    const sorted = signatures.sort((a, b) => (a.keyid < b.keyid ? -1 : 1))
    const document = toCanonicalJson({ signed: body, signatures: sorted })
    state = fed(state, document)
    return document
  }
  return {
    network: created.network,
    documents,
    keys: keystore.directory,
    state: () => state,
    sign,
    async next(more = {}) {
      const base = state.named.run.at(-1)!
      const descriptor = { ...descriptorOf(created.network, base.version + 1, base.chainId), ...more }
      const momentMs = nowMs + ++moments * 1000
      const proposal = propose('upgrade', { descriptor, manifests: [manifest] }, { trusted: state, nowMs: momentMs })
      const ledger = openLedger(join(directory, 'ledger'))
      const signed = await signProposal(proposal, {
        trusted: state,
        signer: firstKey(keystore, 'targets'),
        ledger,
        nowMs: momentMs
      })
      const finished = await finishProposals([signed], state, onlineKeys, momentMs)
      const all = [...finished.documents, finished.descriptor!]
      state = all.reduce(fed, state)
      return all
    },
    async admission(policy, revoke = []) {
      const nextMs = nowMs + ++moments * 1000
      const { body } = propose('admission', { policy, revoke }, { trusted: state, nowMs: nextMs })
      return sign('admission', body)
    },
    admit: (peer, more = {}) =>
      issueCertificate(
        { network: created.network, peer, class: 'IntSet', nowMs, lifeMs: 30 * 86_400_000, ...more },
        keystore.keysFor('admission')
      ),
    async refresh() {
      const { documents: fresh } = await refreshTimestamp(state, onlineKeys, nowMs + ++moments * 1000)
      state = fresh.reduce(fed, state)
      return fresh
    },
    pass(ms) {
      moments += ms / 1000
    }
  }
}

const code = 'export default {}'
/** Of the one bundle that all versions of a test network name. */
export const bundleFiles = new Map([['int-set.js', new TextEncoder().encode(code)]])
const digest = sha256Hex(code)
export const manifest: Manifest = {
  format: 1,
  files: [{ path: 'int-set.js', bytes: code.length, sha256: digest, chunks: [digest] }]
}

export function descriptorOf(network: string, version: number, previous: string): Descriptor {
  return {
    format: 1,
    network,
    version,
    previous,
    title: `Version ${version}`,
    notes: '',
    createdAt: '2026-01-01T00:00:00Z',
    runtime: '>=0.0.0',
    supersedes: [],
    classes: [
      {
        ...(version === 1 ? {} : { oldClass: 'IntSet', past: 'direct' as const, future: 'direct' as const }),
        newClass: 'IntSet',
        bundle: bundleId(manifest),
        entry: 'int-set.js',
        compatible: false,
        transform: 'none',
        state: 'managed',
        durability: 'os',
        back: 'none',
        schedule: { strategy: { type: 'eager' }, deadline: '2030-01-01T00:00:00Z', deadlineSpreadMs: 0 },
        introduceOverMs: 0,
        probationMs: 0,
        stableMs: 0,
        retirement: { quietMs: 0 }
      }
    ]
  }
}

function fed(state: TrustState, document: Uint8Array): TrustState {
  return trust(state, document, Date.now()).state
}

function firstKey(keystore: Keystore, role: 'targets' | 'snapshot' | 'timestamp') {
  return keystore.keysFor(role)[0]!
}
