import type { Decision } from '../metadata/root.js'
import type { Fork, TrustState } from './state.js'

/** Two descriptors of one version, and who signed for each (R20). */
export interface ForkEvidence extends Fork {
  readonly sides: readonly ForkSide[]
}

/** One descriptor of a forked version: the highest revision held that names it, and the ids of the keys that signed that. */
export interface ForkSide {
  readonly hash: string
  readonly revision: number
  readonly signedBy: readonly string[]
}

/** Versions for which two signed descriptors are known and the root has not decided, ascending. */
export function forksOf(state: TrustState): readonly ForkEvidence[] {
  return state.named.forks.map(({ version, hashes }) => ({
    version,
    hashes,
    sides: hashes.map(hash => sideOf(state, version, hash))
  }))
}

function sideOf({ targets, witnesses }: TrustState, version: number, hash: string): ForkSide {
  const revision = [targets, ...witnesses].find(each => each?.model.upgrades.get(version)?.hash === hash)
  return { hash, revision: revision?.version ?? 0, signedBy: revision?.signatures.map(each => each.keyId) ?? [] }
}

/** The newest root's word on versions: the hash of the descriptor that counts, or `none` (§6). */
export function decisionsOf({ named }: TrustState): ReadonlyMap<number, Decision> {
  return named.decisions
}
