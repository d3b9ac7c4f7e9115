import { encodeDescriptor, InstarError } from '@instar/core'
import { encodeDocument } from '../metadata/document.js'
import type { TrustState } from '../trust/state.js'
import type { Expiry } from './bodies.js'
import { adopt, assertAuthorized, refreshTimestamp, type OnlineKeys } from './online.js'
import { bodyOf, type Proposal } from './proposal.js'
import { assertFits, authorThreshold, isPublished, validSignatures } from './sign.js'

/** The documents that publish a proposal, to be handed to any peer. */
export interface FinishedProposal {
  /** Targets, snapshot, timestamp: in feeding order. */
  readonly documents: readonly Uint8Array[]
  readonly descriptor: Uint8Array
}

/**
 * Makes of a complete proposal what `publish` hands to a peer. Repeating it, also after it was published, is harmless: the authors'
 * part is the same, only a newer timestamp is added.
 *
 * @throws InstarError ProposalOutdated when the base moved, NotTrusted below the threshold, KeyNotAuthorized for online keys that the
 * root does not name
 */
export async function finishProposal(
  proposal: Proposal,
  trusted: TrustState,
  onlineKeys: OnlineKeys,
  nowMs: number,
  expiry: Partial<Expiry> = {}
): Promise<FinishedProposal> {
  assertFits(proposal, trusted)
  assertAuthorized(trusted, onlineKeys)
  const signatures = validSignatures(proposal, trusted)
  const threshold = authorThreshold(trusted)
  if (signatures.length < threshold) {
    throw new InstarError(
      'NotTrusted',
      `${signatures.length} of ${threshold} authors have signed: it cannot be published yet.`,
      {
        detail: { signatures: signatures.length, threshold }
      }
    )
  }
  const targets = encodeDocument(bodyOf(proposal), signatures)
  const state = isPublished(proposal, trusted) ? trusted : adopt(trusted, targets, nowMs)
  const { documents } = await refreshTimestamp(state, onlineKeys, nowMs, expiry)
  return { documents: [targets, ...documents], descriptor: encodeDescriptor(proposal.descriptor) }
}
