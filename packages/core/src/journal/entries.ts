import type { Before } from '../lifecycle/health.js'
import type { Phase } from '../lifecycle/phase.js'
import type { RehearsedState } from '../lifecycle/rehearsed-state.js'
import type { PolicyOverrides } from '../lifecycle/local-policy.js'
import type { Lineage } from '../version-log/version-log.js'

/**
 * What a peer writes down before it acts (§11). The durable part of its state is the fold of these; everything else is learned again
 * after a restart. Each names the version it is about, and its chain id where another chain could be meant (R1).
 */
export type JournalEntry =
  /** The first start with a class: where this object begins. Versions below `version` never existed here. */
  | { readonly type: 'joined'; readonly lineage: Lineage; readonly version: number; readonly chainId: string }
  /** The object has had a state since here: from now on an empty state directory means that it was lost. */
  | { readonly type: 'began' }
  /** The lowest version that a newcomer serves, from what its neighbours still served when it joined. */
  | { readonly type: 'served'; readonly low: number }
  /** A version has changed phase. `cause` says what went wrong, `attempt` counts tries of the same transition. */
  | {
      readonly type: 'phase'
      readonly version: number
      readonly chainId: string
      readonly phase: Phase
      readonly cause?: string
      readonly attempt?: number
    }
  /** The upgrade to a version was tried on a copy of the state, and went well: while the state is of `stateVersion` it is not tried again. */
  | ({ readonly type: 'rehearsed'; readonly version: number; readonly chainId: string } & RehearsedState)
  /**
   * What a trial has to know after a restart (§15); fields that are absent leave what was there. `beganAtMs` begins a new one: whatever was written of
   * an earlier trial of the version is over. Wall clock, for people; `lastedMs` is how long it has lasted while the peer ran, as it was seen when
   * that was written: a time of the clock would make a trial longer or shorter wherever the clock jumps.
   */
  | {
      readonly type: 'trial'
      readonly version: number
      readonly chainId: string
      readonly beganAtMs?: number
      readonly lastedMs?: number
      /** The object was ill before the switch: it had been brought down again and again, or had missed the probe. */
      readonly crashedBefore?: true
      readonly missedBefore?: true
      readonly before?: Before
      /** It was judged ill, and stays; empty: that is taken back. */
      readonly ill?: string
      /** An operator has approved it. */
      readonly approved?: true
      /** Trials that it came back from, and when it is tried again by itself. */
      readonly returns?: number
      readonly retryAtMs?: number
    }
  /** The object is now this version's (on trial), or again this version's after going back. */
  | { readonly type: 'running'; readonly version: number; readonly chainId: string }
  /** The switch to this version takes all those above `from` on the way, and going back from it leads there (§14). Before its `preparing`. */
  | { readonly type: 'walk'; readonly from: number; readonly version: number; readonly chainId: string }
  /** What the operator decided about a version. */
  | { readonly type: 'operator'; readonly word: OperatorWord; readonly version: number; readonly chainId?: string }
  /** All that the operator has said at run time about the local policy, after a change of it. */
  | { readonly type: 'policy'; readonly set: PolicyOverrides }
  /** The host crashed so often in a row that it stays down until the operator says otherwise; and the operator has said so. */
  | { readonly type: 'parked'; readonly crashes: number; readonly cause: string; readonly atMs: number }
  | { readonly type: 'unparked' }
  /**
   * Nobody had called a version for so long, as far as this peer ran and saw it, when this was written; by the wall clock the newest call
   * that it knew was at `usedAtMs`. At most twice an hour for each version that is still served below the object's (§14).
   */
  | {
      readonly type: 'quiet'
      readonly version: number
      readonly chainId: string
      readonly quietMs: number
      readonly usedAtMs?: number
    }
  /**
   * An operator brings the state of this version back: written before the state is touched, so that the start table can say whether it was.
   * What is `running` afterwards ends it.
   */
  | { readonly type: 'restore'; readonly version: number; readonly chainId: string; readonly atMs: number }
  /** An operator has had the peer begin anew: it joins as a newcomer does, also where it was the first of its network (§6). */
  | { readonly type: 'reset'; readonly atMs: number }
  /** A version was given another chance at this moment, wall clock: by the signed order of this name, or by the operator. */
  | {
      readonly type: 'resumed'
      readonly version: number
      readonly chainId: string
      readonly atMs: number
      readonly order?: string
    }

/**
 * An operator's words. `hold` closes the schedule gate, also past the deadline; `resume` takes back a hold, clears a failure, and has a trial judged
 * anew; `approve` ends the judgement of a trial in its favour, `goBack` ends the trial.
 */
export type OperatorWord = 'approve' | 'goNow' | 'hold' | 'resume' | 'goBack'

/** Anything that can be folded: entries from a file are `unknown` until they have passed here. */
export function isJournalEntry(value: unknown): value is JournalEntry {
  if (typeof value !== 'object' || value === null) return false
  const { type } = value as { readonly type?: unknown }
  return typeof type === 'string' && types.has(type)
}

const types: ReadonlySet<string> = new Set<JournalEntry['type']>([
  'joined',
  'began',
  'served',
  'phase',
  'trial',
  'running',
  'walk',
  'operator',
  'policy',
  'parked',
  'unparked',
  'resumed',
  'reset',
  'rehearsed',
  'quiet',
  'restore'
])
