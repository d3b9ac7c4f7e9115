import { isDominated, namesAbsent, namesAll } from '../trust/online-registers.js'
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
 * targets that are not here yet: whoever signed it knows more, and a snapshot from here would be behind. A halt or admission document
 * that it names is waited for until half the timestamp's life is over: it may be one that targets have disowned since.
 */
export function renewalDue(state: TrustState, expiry: Partial<Expiry> = {}): RenewalDue | undefined {
  const { timestampMs, snapshotMs } = { ...defaultExpiry, ...expiry }
  const { targets, snapshot, timestamp } = state
  if (targets === undefined) return undefined
  const absent = snapshot === undefined ? [] : namesAbsent(snapshot, state)
  if (absent.includes('targets')) return undefined
  if (snapshot === undefined || timestamp === undefined) return { why: 'join', atMs: 0 }
  if (isDominated(snapshot, state) || (absent.length === 0 && !namesAll(snapshot, state)))
    return { why: 'join', atMs: 0 }
  return {
    why: 'halfLife',
    atMs: Math.min(timestamp.expiresMs - timestampMs / 2, snapshot.expiresMs - snapshotMs / 2)
  }
}
