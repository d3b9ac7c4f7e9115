import { encodeDescriptor, InstarError } from '@instar/core'
import { encodeDocument } from '../metadata/document.js'
import { documentsOf } from '../trust/documents.js'
import { trust } from '../trust/trust.js'
import type { TrustState } from '../trust/state.js'
import type { Expiry } from './bodies.js'
import { adopt, assertAuthorized, refreshTimestamp, type OnlineKeys } from './online.js'
import type { Proposal } from './proposal.js'
import { bodyOf, roleOf } from './propose.js'
import { registerOf } from './register.js'
import { assertFits, isPublished } from './sign.js'
import { quorumsOf, validSignatures } from './signatures.js'

/** The documents that publish proposals, to be handed to any peer. */
export interface FinishedProposals {
  /** In feeding order; with online keys, the snapshot and the timestamp that join them at the end. */
  readonly documents: readonly Uint8Array[]
  /** Of the upgrade among them. */
  readonly descriptor?: Uint8Array
  /** What is trusted with them. */
  readonly state: TrustState
}

/**
 * Makes of complete proposals what `publish` hands to a peer. Each follows from the one before: a rotation, and what must be signed
 * again under it. What a rotation drops and a later one of them lets count again is handed out once more.
 *
 * Repeating it, also after it was published, is harmless: what people signed is the same, only a newer timestamp is added. Without
 * online keys the join is left to any peer that holds them.
 *
 * @throws InstarError ProposalOutdated when a base moved, NotTrusted below a threshold, KeyNotAuthorized for online keys that the root
 * does not name
 */
export async function finishProposals(
  proposals: readonly Proposal[],
  trusted: TrustState,
  onlineKeys: OnlineKeys | undefined,
  nowMs: number,
  expiry: Partial<Expiry> = {}
): Promise<FinishedProposals> {
  const documents: Uint8Array[] = []
  let state = trusted
  for (const proposal of proposals) {
    const document = finishedDocument(proposal, state)
    documents.push(document)
    if (!isPublished(proposal, state)) state = adopt(state, document, nowMs)
  }
  for (const { bytes } of documentsOf(trusted)) {
    const again = trust(state, bytes, nowMs)
    if (again.verdict.verdict !== 'accept') continue
    documents.push(bytes)
    state = again.state
  }
  // A rotation may leave nothing to vouch for; then the join follows what is signed next.
  if (onlineKeys !== undefined && state.targets !== undefined) {
    assertAuthorized(state, onlineKeys)
    const joined = await refreshTimestamp(state, onlineKeys, nowMs, expiry)
    for (const document of joined.documents) {
      const taken = trust(state, document, nowMs)
      // What is held may be fresh for longer already, and then nobody needs this one.
      if (taken.verdict.verdict !== 'accept') continue
      documents.push(document)
      state = taken.state
    }
  }
  const upgrade = proposals.find(each => each.kind === 'upgrade')
  const descriptor = upgrade === undefined ? {} : { descriptor: encodeDescriptor(upgrade.change.descriptor) }
  return { documents, ...descriptor, state }
}

/** A complete proposal as a document that may be trusted. @throws InstarError as {@link finishProposals} */
function finishedDocument(proposal: Proposal, trusted: TrustState): Uint8Array {
  assertFits(proposal, trusted)
  const role = roleOf(proposal)
  const held = registerOf(trusted, role)
  // A published root is judged by the one before it, which is not the newest any more.
  if (held !== undefined && isPublished(proposal, trusted)) return held.bytes
  const lacking = quorumsOf(proposal, trusted).find(({ signed, threshold }) => signed.length < threshold)
  if (lacking !== undefined) {
    const { signed, threshold, by } = lacking
    throw new InstarError(
      'NotTrusted',
      `${signed.length} of the ${threshold} ${role} keys that ${by} asks for have signed: it cannot be published yet.`,
      { detail: { role, signatures: signed.length, threshold } }
    )
  }
  return encodeDocument(bodyOf(proposal), validSignatures(proposal, trusted))
}
