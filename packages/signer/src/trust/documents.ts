import type { Held } from '../metadata/document.js'
import type { TargetsMetadata } from '../metadata/targets.js'
import { emptyTrust, type DocumentInfo, type TrustState } from './state.js'
import { restoreDescriptor } from './descriptors.js'
import { trust } from './trust.js'

/** A trust document in the bytes in which it was signed. */
export interface TrustedDocument {
  readonly info: DocumentInfo
  readonly bytes: Uint8Array
}

/** Everything trusted, in feeding order, evidence included: what the store keeps. */
export function documentsOf(state: TrustState): readonly TrustedDocument[] {
  const { roots, snapshot, timestamp, timestampAhead } = state
  const metadata = [...roots, ...revisionsInOrder(state), snapshot, timestamp, timestampAhead]
  return [
    ...metadata.filter(each => each !== undefined).map(each => toDocument(state, each)),
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

function toDocument(state: TrustState, { role, version, hash, bytes, bodyHash }: Held<unknown>): TrustedDocument {
  const witness = state.witnesses.some(each => each.bodyHash === bodyHash)
  return { info: { role, version, hash, as: witness ? 'evidence' : 'trusted', expired: false }, bytes }
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
  return refused.reduce(restoreDescriptor, state)
}
