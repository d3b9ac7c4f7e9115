import { ignore, type Verdict } from '@instar/core'
import type { DocumentInfo, TrustFact, TrustState } from './state.js'

export interface TrustResult {
  readonly verdict: Verdict<DocumentInfo>
  readonly state: TrustState
  /** Differences that matter to the peer, forks first. */
  readonly facts: readonly TrustFact[]
}

/**
 * Judges one document, whatever its role and whoever sent it, and returns what is trusted with it. Pure; never throws; spends only
 * linear time before a signature has verified (R19).
 *
 * `accept`: the state changed, store and relay it. `ignore` with code `Known`: it is here already; with `NeedsNewerTrust`: pull
 * from the sender, then ask again. `reject`: wrong under every trust state.
 */
export function trust(state: TrustState, _document: Uint8Array, _nowMs: number): TrustResult {
  return { verdict: ignore('NeedsNewerTrust', 'not yet'), state, facts: [] }
}
