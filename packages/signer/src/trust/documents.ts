import { canonicalise, isDelegated, parseEnvelope, parseShape, type Held } from '../metadata/document.js'
import type { TargetsMetadata } from '../metadata/targets.js'
import { emptyTrust, type DocumentInfo, type TrustState } from './state.js'
import { restoreDescriptor } from './descriptors.js'
import { withDocument } from './registers.js'
import { candidatesOf, evidenceOf, settle } from './settle.js'
import { trust } from './trust.js'

/** A trust document in the bytes in which it was signed. */
export interface TrustedDocument {
  readonly info: DocumentInfo
  readonly bytes: Uint8Array
}

/** Everything trusted, in feeding order, evidence included: what the store keeps. */
export function documentsOf(state: TrustState): readonly TrustedDocument[] {
  const { halts, admissions, snapshots, timestamps } = candidatesOf(state)
  const metadata: readonly Held<unknown>[] = [
    ...[...state.roots, ...revisionsInOrder(state)],
    ...[...halts, ...admissions, ...snapshots, ...timestamps]
  ]
  const evidence = new Set(evidenceOf(state))
  return [
    ...metadata.map(each => toDocument(each, evidence)),
    ...[...state.descriptors.values()]
      .sort((a, b) => a.version - b.version)
      .map(({ version, hash, bytes }) => ({
        info: { role: 'descriptor' as const, version, hash, as: 'trusted' as const, expired: false },
        bytes
      }))
  ]
}

/** At a fork the entry that came first stays in the run; so the revisions that agree with the run are fed first. */
function revisionsInOrder({ targets, witnesses, named }: TrustState): readonly Held<TargetsMetadata>[] {
  if (targets === undefined) return []
  const agrees = ({ model }: Held<TargetsMetadata>) =>
    named.run.every(each => (model.upgrades.get(each.version)?.hash ?? each.hash) === each.hash)
  const all = [targets, ...witnesses]
  return [...all.filter(agrees), ...all.filter(each => !agrees(each))]
}

function toDocument(held: Held<unknown>, evidence: ReadonlySet<Held<unknown>>): TrustedDocument {
  const { role, version, hash, bytes } = held
  return { info: { role, version, hash, as: evidence.has(held) ? 'evidence' : 'trusted', expired: false }, bytes }
}

/**
 * Verifies again what {@link documentsOf} gave. What does not verify is left out: a damaged store means less trust, never other trust,
 * and sync brings the rest back.
 */
export function restoreTrust(network: string, documents: Iterable<Uint8Array>): TrustState {
  let state = emptyTrust(network)
  const refused: Uint8Array[] = []
  for (const document of documents) {
    const result = trust(state, document, 0)
    state = result.state
    if (result.verdict.verdict !== 'accept') refused.push(document)
  }
  return refused.reduce((each, bytes) => restoreWaiting(restoreDescriptor(each, bytes), bytes), state)
}

/**
 * Takes back a halt or admission document that waits for targets (see `settle`). Nobody can verify it before they come, and then it is;
 * until then it can only stop what nothing could start.
 */
function restoreWaiting(state: TrustState, bytes: Uint8Array): TrustState {
  if (state.targets !== undefined) return state
  const shape = parseShape(bytes)
  const envelope = shape.verdict === 'accept' ? parseEnvelope(shape.value, bytes.byteLength) : shape
  if (envelope.verdict !== 'accept' || !isDelegated(envelope.value.role)) return state
  const document = canonicalise(envelope.value)
  if (document.verdict !== 'accept') return state
  const candidates = withDocument(candidatesOf(state), document.value, document.value.signatures)
  return candidates.verdict === 'accept' ? settle(state, candidates.value) : state
}
