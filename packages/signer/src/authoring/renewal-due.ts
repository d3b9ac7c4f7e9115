import { names } from '../metadata/meta-entry.js'
import type { TrustState } from '../trust/state.js'
import { defaultExpiry, type Expiry } from './bodies.js'

/** What holders of online keys have to sign next. */
export interface RenewalDue {
  /**
   * `join`: a register is ahead of the snapshot, or nothing vouches for what is held; at once. `halfLife`: the timestamp or the snapshot
   * has lived half its life.
   */
  readonly why: 'join' | 'halfLife'
  /** By the wall clock. */
  readonly atMs: number
}

/**
 * When {@link refreshTimestamp} is due by this state (§5). Undefined where there is nothing to vouch for, and where the snapshot names
 * documents that are not here yet: whoever signed it knows more, and a snapshot from here would be behind.
 */
export function renewalDue(state: TrustState, expiry: Partial<Expiry> = {}): RenewalDue | undefined {
  const { timestampMs, snapshotMs } = { ...defaultExpiry, ...expiry }
  const { targets, snapshot, timestamp } = state
  if (targets === undefined) return undefined
  if (snapshot !== undefined && snapshot.model.targets.version > targets.version) return undefined
  if (snapshot === undefined || timestamp === undefined || !names(snapshot.model.targets, targets))
    return { why: 'join', atMs: 0 }
  return {
    why: 'halfLife',
    atMs: Math.min(timestamp.expiresMs - timestampMs / 2, snapshot.expiresMs - snapshotMs / 2)
  }
}
