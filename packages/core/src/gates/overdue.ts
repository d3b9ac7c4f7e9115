import type { Now } from '../lifecycle/input.js'
import type { PeerState } from '../lifecycle/state.js'
import { firstClosed } from './all-gates.js'
import { overdueFromMs, scheduleOf } from './schedule-gate.js'

/** A version that this peer should run by now, and what keeps it. */
export interface Overdue {
  readonly version: number
  /** Its deadline, with this peer's share of the spread. Wall clock. */
  readonly sinceMs: number
  readonly reason: string
}

/** R16: a peer that is held back past a deadline says so loudly, whichever gate does it. */
export function overdueVersions(state: Readonly<PeerState>, now: Now): readonly Overdue[] {
  return [...state.versions.values()].flatMap(progress => {
    const { version, phase } = progress
    if (version <= state.running || (phase !== 'introduced' && phase !== 'waiting')) return []
    const schedule = scheduleOf(state, version)
    if (schedule === undefined) return []
    const sinceMs = overdueFromMs(state, schedule, version)
    const gate = now.wallMs < sinceMs ? undefined : firstClosed(state, progress, now)
    return gate === undefined ? [] : [{ version, sinceMs, reason: gate.reason }]
  })
}
