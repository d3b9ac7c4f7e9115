import type { Now } from '../lifecycle/input.js'
import type { PeerState, VersionProgress } from '../lifecycle/state.js'
import { type GateName, type GateState } from './gate.js'
import { healthGate } from './health-gate.js'
import { limitGate } from './limit-gate.js'
import { scheduleGate } from './schedule-gate.js'
import { trustGate } from './trust-gate.js'

/** All four gates of one version at this peer, as they stand now (§1); what `instar why` shows. */
export function gatesOf(
  state: PeerState,
  progress: VersionProgress,
  now: Now
): ReadonlyArray<{ readonly name: GateName; readonly state: GateState }> {
  return [
    { name: 'trust', state: trustGate(state, progress.version, now) },
    { name: 'health', state: healthGate(state, progress.version, now) },
    { name: 'limit', state: limitGate(state, progress.version) },
    { name: 'schedule', state: scheduleGate(state, progress, now) }
  ]
}

/** The first gate that keeps an upgrade from going ahead; undefined when all are open. */
export function firstClosed(
  state: PeerState,
  progress: VersionProgress,
  now: Now
): Extract<GateState, { open: false }> | undefined {
  for (const gate of gatesOf(state, progress, now)) if (!gate.state.open) return gate.state
  return undefined
}
