import type { DocumentInfo, Fork, NamedUpgrade, TrustState } from './state.js'

export interface TrustedUpgrade {
  readonly version: number
  readonly descriptorHash: string
  readonly descriptorBytes: Uint8Array
  /** Two descriptors are known for it: it may go on where it runs and starts nowhere (R20). */
  readonly forked: boolean
}

/** The gapless run of versions from 1 that trusted targets name and whose descriptors are held. */
export function trustedUpgrades(_state: TrustState): readonly TrustedUpgrade[] {
  return []
}

/** The versions that trusted targets name and whose descriptor is not here yet, ascending. */
export function missingDescriptors(_state: TrustState): readonly NamedUpgrade[] {
  return []
}

/** Until when trust counts as fresh; 0 when nothing vouches for what is held. Compare with the wall clock. */
export function freshUntilMs(_state: TrustState): number {
  return 0
}

export function forksOf(state: TrustState): readonly Fork[] {
  return state.named.forks
}

/** Everything trusted, in feeding order, evidence included: what the store keeps. */
export function documentsOf(_state: TrustState): readonly { info: DocumentInfo; bytes: Uint8Array }[] {
  return []
}

/** Verifies again what {@link documentsOf} gave; what does not verify is left out. */
export function restoreTrust(_network: string, _documents: Iterable<Uint8Array>): TrustState {
  throw new Error('not yet')
}
