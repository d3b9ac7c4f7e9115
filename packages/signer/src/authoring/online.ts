import type { Signer } from '../keys/signer.js'
import type { TrustState } from '../trust/state.js'

/** The keys of an online signer, and which numbers it may use: those ≡ `index` (mod `signers`); 0 of 1 where absent (§5). */
export interface OnlineKeys {
  readonly snapshot: Signer
  readonly timestamp: Signer
  readonly index?: number
  readonly signers?: number
}

/** How long each role's documents count as fresh from when they are signed. */
export interface Expiry {
  readonly rootMs: number
  readonly targetsMs: number
  readonly snapshotMs: number
  readonly timestampMs: number
}

/**
 * Signs a new timestamp for what is held; also a new snapshot when the held one does not name it.
 *
 * @returns documents in feeding order
 * @throws InstarError KeyNotAuthorized, NotTrusted
 */
export async function refreshTimestamp(
  _trusted: TrustState,
  _onlineKeys: OnlineKeys,
  _nowMs: number,
  _expiry: Partial<Expiry> = {}
): Promise<{ readonly documents: readonly Uint8Array[] }> {
  throw new Error('not yet')
}
