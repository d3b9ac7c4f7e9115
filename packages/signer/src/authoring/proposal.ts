import type { Descriptor, Manifest } from '@instar/core'
import type { Signature } from '../metadata/document.js'
import type { Ledger } from '../keys/ledger.js'
import type { Signer } from '../keys/signer.js'
import type { TrustState } from '../trust/state.js'
import type { OnlineKeys, Expiry } from './online.js'

/** A next revision of targets on its way to the threshold, with all that its signers need to judge it (§5). */
export interface Proposal {
  readonly format: 1
  readonly network: string
  /** The revision of targets that it follows. */
  readonly base: { readonly revision: number; readonly hash: string }
  /** The canonical `signed` body of the next targets. */
  readonly body: Uint8Array
  readonly descriptor: Descriptor
  /** Of the bundles that the descriptor names. */
  readonly manifests: readonly Manifest[]
  readonly signatures: readonly Signature[]
}

export interface ProposalInit {
  readonly trusted: TrustState
  readonly descriptor: Descriptor
  readonly manifests: readonly Manifest[]
  readonly nowMs: number
  readonly expiry?: Partial<Expiry>
}

/** @throws InstarError BadInput, ProposalConflict (the version exists or is skipped to), NotTrusted */
export function createProposal(_init: ProposalInit): Proposal {
  throw new Error('not yet')
}

/** @throws InstarError BadInput when the file is no proposal, or its parts do not belong together */
export function parseProposal(_bytes: Uint8Array): Proposal {
  throw new Error('not yet')
}

export function encodeProposal(_proposal: Proposal): Uint8Array {
  throw new Error('not yet')
}

/** The same change on the newest targets, without signatures. @throws InstarError ProposalConflict when its version is taken */
export function rebaseProposal(_proposal: Proposal, _trusted: TrustState, _nowMs: number): Proposal {
  throw new Error('not yet')
}

/** What a signature would agree to, in words, one line each. */
export function describeProposal(_proposal: Proposal, _trusted: TrustState): readonly string[] {
  throw new Error('not yet')
}

/** @throws InstarError ProposalConflict when the ledger holds another body for one of its numbers */
export async function signProposal(
  _proposal: Proposal,
  _signer: Signer,
  _ledger: Ledger,
  _nowMs: number
): Promise<Proposal> {
  throw new Error('not yet')
}

/** Whether enough authors signed. */
export function isComplete(_proposal: Proposal, _trusted: TrustState): boolean {
  throw new Error('not yet')
}

export interface FinishedProposal {
  /** Targets, snapshot, timestamp: in feeding order. */
  readonly documents: readonly Uint8Array[]
  readonly descriptor: Uint8Array
}

/** @throws InstarError ProposalOutdated when the base moved, NotTrusted below the threshold, KeyNotAuthorized */
export async function finishProposal(
  _proposal: Proposal,
  _trusted: TrustState,
  _onlineKeys: OnlineKeys,
  _nowMs: number,
  _expiry: Partial<Expiry> = {}
): Promise<FinishedProposal> {
  throw new Error('not yet')
}
