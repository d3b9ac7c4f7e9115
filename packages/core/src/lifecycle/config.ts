import type { LocalPolicy } from './local-policy.js'

/** What one peer is and how patient it is. Given once at the start, never changed. */
export interface PeerConfig {
  readonly peer: string
  /** The class to run, by its name at the version where this peer joins. Asked at the first start only; may be left out where the network has one. */
  readonly className: string | undefined
  readonly groups: readonly string[]
  /** The Instar release, for announcements. */
  readonly instar: string
  /** No neighbour to ask: a first start begins at version 1 instead of waiting for one to answer. */
  readonly alone: boolean
  readonly timing: Timing
  /** What the configuration file allows; see `effectivePolicy`. */
  readonly policy: LocalPolicy
  /** It keeps every bundle that it has ever had, for peers that come from far behind (§14). */
  readonly archive: boolean
}

/** All waiting times of a peer, in milliseconds. */
export interface Timing {
  /** After this silence a peer counts as unreachable for schedules; raising it makes roll-outs wait longer for the dead. */
  readonly unreachableAfterMs: number
  /** After this silence a peer counts as departed and no longer holds back retirement (policy `open`; certificates end it otherwise). */
  readonly departedAfterMs: number
  /** A peer that does not yet serve a version holds back upgrades to it until it has been silent for this long (§1). */
  readonly introduceGraceMs: number
  /** At least this often the core looks at what only time changes: who has fallen silent, who has departed. */
  readonly lookEveryMs: number
  /** What nothing needs any more is removed so often, first when so long has passed since the start. */
  readonly cleanEveryMs: number
  /** First pause before something that failed is tried again; doubles up to `retryMaxMs`. */
  readonly retryMinMs: number
  readonly retryMaxMs: number
  /** Tries of an upgrade before it counts as failed and waits for an operator, a repair or `resume`. */
  readonly upgradeAttemptsMax: number
  /** Time for running calls to end once new ones are held. */
  readonly drainMs: number
  readonly loadMs: number
  readonly transformMs: number
  readonly heapMiB: number
  /** A serving host whose event loop stands still for so long is killed and started again; below a second a busy machine looks like a loop. */
  readonly stallMs: number
  /** Memory of the whole host process, buffers included; above it the host is killed and started again. */
  readonly memoryMiB: number
}

/** The timing of a peer that is told nothing else. */
export const defaultTiming: Timing = Object.freeze({
  unreachableAfterMs: 25 * 60_000,
  departedAfterMs: 30 * 86_400_000,
  introduceGraceMs: 10 * 60_000,
  lookEveryMs: 30_000,
  cleanEveryMs: 10 * 60_000,
  retryMinMs: 1_000,
  retryMaxMs: 5 * 60_000,
  upgradeAttemptsMax: 5,
  drainMs: 10_000,
  loadMs: 30_000,
  transformMs: 30 * 60_000,
  heapMiB: 512,
  stallMs: 10_000,
  memoryMiB: 1536
})

/** How long to wait before try number `attempt + 1` of something that failed `attempt` times. */
export function backoffMs(timing: Timing, attempt: number): number {
  return Math.min(timing.retryMaxMs, timing.retryMinMs * 2 ** Math.min(attempt - 1, 20))
}
