import type { PublicKey } from '../keys/public-key.js'
import type { MetadataRole } from '../metadata/document.js'
import { delegatorOf } from './settle.js'
import type { TrustState } from './state.js'

/** The ids of the keys that may sign for a role, by the newest root or targets; empty where nobody may. */
export function authorizedKeys(state: TrustState, role: MetadataRole): readonly string[] {
  return delegatorOf(state, role)?.roles[role]?.keyIds ?? []
}

/** One of them; undefined when it is not one of the role's, or of an algorithm that is not known here. */
export function keyOf(state: TrustState, role: MetadataRole, keyId: string): PublicKey | undefined {
  return authorizedKeys(state, role).includes(keyId) ? delegatorOf(state, role)?.keys.get(keyId) : undefined
}

/** How many of them must sign; infinite where nobody may. */
export function thresholdOf(state: TrustState, role: MetadataRole): number {
  return delegatorOf(state, role)?.roles[role]?.threshold ?? Infinity
}
