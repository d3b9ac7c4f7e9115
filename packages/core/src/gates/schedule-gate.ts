import { sha256Hex } from '../codec/hash.js'
import type { Schedule } from '../descriptor/schedule.js'
import type { Now } from '../lifecycle/input.js'
import type { PeerState, VersionProgress } from '../lifecycle/state.js'
import { admittedPeers, isReachable, serves } from '../roster/roster.js'
import { closed, namePeers, open, type GateState } from './gate.js'

/**
 * The moment from which this peer goes ahead whatever its strategy says (R16): the deadline plus this peer's share of the spread, by
 * hash, so that late peers do not all go at once.
 */
export function overdueFromMs(schedule: Schedule, peer: string, chainId: string): number {
  const share = parseInt(sha256Hex(peer, chainId).slice(0, 8), 16) / 0x1_0000_0000
  return Date.parse(schedule.deadline) + Math.floor(share * schedule.deadlineSpreadMs)
}

/** An operator's hold stands above everything, also above the deadline (§1). */
export function holdGate(state: PeerState, progress: VersionProgress): GateState {
  if (!state.heldAll && !progress.held) return open
  return closed('schedule', '§1', 'an operator of this peer holds it; `instar upgrade resume` lets it go on')
}

/**
 * The default precondition of every schedule (§1): whoever could be called at this version serves it already, or has been silent for
 * `introduceGraceMs`. An eager first peer would otherwise call neighbours that are still fetching.
 */
export function everyoneServes(state: PeerState, version: number, now: Now): GateState {
  const missing = admittedPeers(state.roster)
    .filter(entry => isReachable(entry, now.monoMs, state.config.timing.introduceGraceMs))
    .filter(({ announcement }) => announcement.floor < version && !serves(announcement, version))
    .map(({ announcement }) => announcement.peer)
  if (missing.length === 0) return open
  return closed(
    'schedule',
    '§1',
    `${missing.length} ${missing.length === 1 ? 'peer does' : 'peers do'} not serve version ${version} yet (${namePeers(missing)})`
  )
}

/** What the strategy said last. */
export function strategyGate(progress: VersionProgress): GateState {
  if (progress.schedule === undefined) return closed('schedule', 'R15', 'the schedule has not been evaluated yet')
  return progress.schedule.decision === 'upgrade' ? open : closed('schedule', 'R15', progress.schedule.reason)
}
