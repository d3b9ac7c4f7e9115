import type { Phase } from '../lifecycle/phase.js'

/**
 * All that a scheduling function may read (R15): local facts, announcements, time. Built by `core`, evaluated by the scheduler,
 * sorted by peer id so that the same knowledge gives the same decision everywhere.
 */
export interface ScheduleInputs {
  readonly version: number
  /** Wall clock, milliseconds since 1970. */
  readonly nowMs: number
  readonly self: PeerFacts
  /** The operator of this peer has approved this version (`instar upgrade approve`). */
  readonly approved: boolean
  /** Admitted peers of the same class lineage, this one included, sorted by peer id. */
  readonly peers: readonly PeerFacts[]
}

/** What a scheduling function is told of one peer (R15). */
export interface PeerFacts {
  readonly peer: string
  readonly groups: readonly string[]
  readonly running: number
  /** Phase of the version in question at that peer; absent when the peer has not spoken of it. */
  readonly phase: Phase | undefined
  /** Whether the peer has announced itself within the time after which it counts as unreachable. */
  readonly reachable: boolean
}

/** The scheduling function's answer. It signals, it never acts. */
export type ScheduleDecision =
  | { readonly decision: 'upgrade'; readonly reason: string }
  | { readonly decision: 'wait'; readonly reason: string; readonly lookAgainAtMs: number }
