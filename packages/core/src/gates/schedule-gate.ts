import { sha256Hex } from '../codec/hash.js'
import type { Schedule } from '../descriptor/schedule.js'
import { isServableBefore } from '../lifecycle/goal.js'
import type { Now } from '../lifecycle/input.js'
import type { PeerState, VersionProgress } from '../lifecycle/state.js'
import { isReachable, serves } from '../roster/roster.js'
import { peersAt } from '../roster/same-history.js'
import { entryOf, upgradeAt } from '../version-log/version-log.js'
import { closed, namePeers, open, type GateState } from './gate.js'

/**
 * Whether the schedule lets this peer go now (§1). In this order: an operator's hold stands above everything, also above the deadline;
 * an operator's "go now" and the deadline stand above the strategy; then everyone has to serve the version, and the strategy to say so.
 */
export function scheduleGate(state: PeerState, progress: VersionProgress, now: Now): GateState {
  if (state.heldAll || progress.held) {
    return closed('schedule', '§1', 'an operator of this peer holds it; `instar upgrade resume` lets it go on')
  }
  const schedule = scheduleOf(state, progress.version)
  if (schedule === undefined || progress.goNow) return open
  if (now.wallMs >= overdueFromMs(state, schedule, progress.version)) return open
  const everyone = everyoneServes(state, progress.version, now)
  return everyone.open ? strategyGate(state, progress) : everyone
}

/** The schedule of a version for this peer; undefined where nothing but the number changes. */
export function scheduleOf(state: PeerState, version: number): Schedule | undefined {
  return state.lineage === undefined ? undefined : upgradeAt(state.log, state.lineage, version)?.schedule
}

/**
 * The moment from which this peer goes ahead whatever its strategy says (R16): the deadline plus this peer's share of the spread, by
 * hash, so that late peers do not all go at once.
 */
export function overdueFromMs(state: PeerState, schedule: Schedule, version: number): number {
  const hash = sha256Hex(state.config.peer, entryOf(state.log, version).chainId)
  const share = parseInt(hash.slice(0, 8), 16) / 0x1_0000_0000
  return Date.parse(schedule.deadline) + Math.floor(share * schedule.deadlineSpreadMs)
}

/**
 * The default precondition of every schedule (§1): whoever could be called at this version serves it already, or has been silent for
 * `introduceGraceMs`. An eager first peer would otherwise call neighbours that are still fetching.
 */
function everyoneServes(state: PeerState, version: number, now: Now): GateState {
  if (state.lineage === undefined || !isServableBefore(state, state.lineage, version)) return open
  const missing = peersAt(state, version, now)
    .filter(entry => isReachable(entry, now.monoMs, state.config.timing.introduceGraceMs))
    .filter(({ announcement }) => announcement.floor < version && !serves(announcement, version))
    .map(({ announcement }) => announcement.peer)
  if (missing.length === 0) return open
  const peers = missing.length === 1 ? '1 peer does' : `${missing.length} peers do`
  return closed('schedule', '§1', `${peers} not serve version ${version} yet (${namePeers(missing)})`, missing)
}

/** What the strategy said last, as long as that is about what is known now. */
function strategyGate(state: PeerState, { schedule }: VersionProgress): GateState {
  if (schedule === undefined) return closed('schedule', 'R15', 'the schedule has not been evaluated yet')
  if (schedule.decision === 'wait') return closed('schedule', 'R15', schedule.reason)
  if (schedule.rosterRevision !== state.rosterRevision) {
    return closed('schedule', 'R15', 'the schedule is being evaluated: what it reads has changed')
  }
  return open
}
