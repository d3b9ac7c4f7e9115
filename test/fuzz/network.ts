import { bundleId, descriptorHash, sha256Hex, type Descriptor, type Manifest } from '@instar/core'
import {
  acceptInvitation,
  createInvitation,
  createNetwork,
  emptyTrust,
  encodeProposal,
  finishProposals,
  issueCertificate,
  nextPlace,
  orderFor,
  propose,
  metadataRoles,
  signProposal,
  trust,
  type Keystore,
  type MetadataRole,
  type Proposal,
  type Signer,
  type TrustState
} from '@instar/signer'
import { signDocument } from '../../packages/signer/dist/authoring/bodies.js'
import type { JsonObject } from '../../packages/signer/dist/metadata/canonical.js'
import { bytesOf, keyPairOf } from './keys.js'

export const nowMs = Date.parse('2030-01-01T00:00:00Z')

const file = 'export default {}'
export const manifest: Manifest = {
  format: 1,
  files: [{ path: 'set.js', bytes: file.length, sha256: sha256Hex(file), chunks: [sha256Hex(file)] }]
}

export function descriptorAt(place: { network: string; version: number; previous: string }): Descriptor {
  const { version } = place
  return {
    format: 1,
    ...place,
    title: `Version ${version}`,
    notes: 'what signers should know',
    createdAt: '2030-01-01T00:00:00Z',
    runtime: '>=0.0.0',
    supersedes: [],
    classes: [
      {
        ...(version === 1 ? {} : { oldClass: 'Set', past: 'direct' as const, future: 'direct' as const }),
        newClass: 'Set',
        bundle: bundleId(manifest),
        entry: 'set.js',
        compatible: false,
        transform: 'none',
        state: 'managed',
        durability: 'os',
        back: 'none',
        schedule: {
          strategy: { type: 'rolling', maxUnavailable: 1 },
          deadline: '2030-02-01T00:00:00Z',
          deadlineSpreadMs: 0
        },
        probationMs: 0,
        stableMs: 1000,
        retirement: { quietMs: 1000 }
      }
    ]
  }
}

/** A network, who holds its keys, and what comes next: valid documents to make others of. */
export interface FuzzedNetwork {
  readonly network: string
  /** Holds everything of version 1. */
  readonly state: TrustState
  /** Holds version 2 as well, a halt, a policy and a second root. */
  readonly newest: TrustState
  /** In feeding order. */
  readonly documents: readonly Uint8Array[]
  readonly descriptors: readonly Uint8Array[]
  /** Bodies of the documents after those that `state` holds: whoever holds the keys may sign any mutant of them. */
  readonly nextBodies: readonly Uint8Array[]
  /** One of each kind, signed. */
  readonly proposals: readonly Uint8Array[]
  /** Certificates by the admission key and through an invitation. */
  readonly certificates: readonly Uint8Array[]
  readonly invitation: Uint8Array
  /** Signs a certificate's body by the admission key; undefined for what has no canonical form. */
  readonly admit: (body: Uint8Array) => Promise<Uint8Array | undefined>
  /** Signs a body as its role does; undefined for what has no canonical form. */
  sign(body: Uint8Array): Promise<Uint8Array | undefined>
}

export async function makeNetwork(): Promise<FuzzedNetwork> {
  const keystore = memoryKeystore()
  const created = await createNetwork({
    keystore,
    nowMs,
    descriptor: network => descriptorAt({ network, version: 1, previous: network })
  })
  const first = [...Object.values(created.documents), created.descriptor]
  const fed = (trusted: TrustState, document: Uint8Array): TrustState => trust(trusted, document, nowMs).state
  const state = first.reduce(fed, emptyTrust(created.network))
  const proposals = await proposalsOn(state, keystore)
  const online = { snapshot: one(keystore, 'snapshot'), timestamp: one(keystore, 'timestamp') }
  const finished = await finishProposals(proposals, state, online, nowMs)
  const descriptors = finished.descriptor === undefined ? [] : [finished.descriptor]
  return {
    network: created.network,
    state,
    newest: [...finished.documents, ...descriptors].reduce(fed, state),
    documents: [...Object.values(created.documents), ...finished.documents],
    descriptors: [created.descriptor, ...descriptors],
    nextBodies: finished.documents.map(bodyOf),
    proposals: proposals.map(each => encodeProposal(each)),
    ...(await admissionsOf(created.network, keystore)),
    admit: body => admittedBy(one(keystore, 'admission'), body),
    sign: body => signAs(keystore, body)
  }
}

/** Whom the fuzzed network admits. */
const somePeer = '12D3KooWEyoppNCUx8Yx66oV9fJnriXwCcXwDDUA2kj6vnc6iDEp'

async function admissionsOf(
  network: string,
  keystore: Keystore
): Promise<Pick<FuzzedNetwork, 'certificates' | 'invitation'>> {
  const terms = { network, class: 'Set', groups: ['north', 'south'], nowMs, lifeMs: 7 * 86_400_000 }
  const signers = keystore.keysFor('admission')
  const { bearer } = await createInvitation(terms, signers)
  return {
    certificates: [
      await issueCertificate({ ...terms, peer: somePeer }, signers),
      await acceptInvitation(bearer, { network, peer: somePeer, nowMs })
    ],
    invitation: bearer.document
  }
}

async function admittedBy(signer: Signer, body: Uint8Array): Promise<Uint8Array | undefined> {
  try {
    const signed = JSON.parse(Buffer.from(body).toString()) as JsonObject
    return await signDocument(signed, [signer])
  } catch {
    return undefined
  }
}

async function proposalsOn(trusted: TrustState, keystore: Keystore): Promise<readonly Proposal[]> {
  const init = { trusted, nowMs }
  const order = orderFor(trusted, { version: 1, order: 'halt', reason: 'it loses writes', nowMs })
  const descriptor = descriptorAt(nextPlace(trusted))
  const revoke = [bytesOf('a serial number').toString('hex', 0, 16)]
  const proposals: readonly Proposal[] = [
    propose('root', { roles: {}, decisions: [{ version: 2, keep: descriptorHash(descriptor) }] }, init),
    propose('upgrade', { descriptor, manifests: [manifest] }, init),
    propose('halt', { orders: [order] }, init),
    propose('admission', { policy: 'certificate', revoke }, init)
  ]
  const ledger = { promise: async () => {} }
  const signed = async (proposal: Proposal): Promise<Proposal> => {
    const role = proposal.kind === 'upgrade' ? 'targets' : proposal.kind
    return signProposal(proposal, { trusted, signer: one(keystore, role), ledger, nowMs })
  }
  return Promise.all(proposals.map(signed))
}

function bodyOf(document: Uint8Array): Uint8Array {
  const { signed } = JSON.parse(Buffer.from(document).toString()) as { signed: object }
  return Buffer.from(JSON.stringify(signed))
}

async function signAs(keystore: Keystore, body: Uint8Array): Promise<Uint8Array | undefined> {
  try {
    const signed = JSON.parse(Buffer.from(body).toString()) as JsonObject | null
    const { _type: type, instar } = (signed ?? {}) as { _type?: unknown; instar?: { role?: unknown } | null }
    // Halts and admission are targets of a delegated role, and say so.
    const role = metadataRoles.find(each => each === (instar?.role ?? type)) ?? 'root'
    return await signDocument(signed ?? {}, keystore.keysFor(role))
  } catch {
    // No canonical form: nobody can sign it.
    return undefined
  }
}

function one(keystore: Keystore, role: MetadataRole): Signer {
  return keystore.keysFor(role)[0] as Signer
}

function memoryKeystore(): Keystore {
  const keys = metadataRoles.map(role => {
    const signer = keyPairOf(role)
    return { role, key: signer.key, signer, protection: 'none' as const, file: 'memory' }
  })
  return {
    directory: 'memory',
    keys,
    keysFor: role => keys.filter(each => each.role === role).map(each => each.signer)
  }
}
