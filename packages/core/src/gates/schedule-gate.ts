import type { Announcement } from '../announcement/announcement.js'
import { sha256Hex } from '../codec/hash.js'
import type { Schedule } from '../descriptor/schedule.js'
import { isServableBefore } from '../lifecycle/goal.js'
import type { Now } from '../lifecycle/input.js'
import { isTrouble } from '../lifecycle/phase.js'
import { effectivePolicy } from '../lifecycle/policy.js'
import type { PeerState, VersionProgress } from '../lifecycle/state.js'
import { isBroughtDown, isReachable, phaseAt, serves } from '../roster/roster.js'
import { peersAt } from '../roster/same-history.js'
import { entryOf, upgradeAt } from '../version-log/version-log.js'
import { closed, namePeers, open, type GateState } from './gate.js'
import { isInWindow, nextOpeningMs } from './maintenance-window.js'

/**
 * Whether the schedule lets this peer go now (§1). In this order: what the operator of this peer does not allow stands above everything,
 * also above the deadline; "go now" and the deadline stand above the strategy; then everyone has to serve the version, and the strategy
 * to say so.
 */
export function scheduleGate(state: PeerState, progress: VersionProgress, now: Now): GateState {
  const schedule = scheduleOf(state, progress.version)
  const policy = policyGate(state, progress, schedule, now)
  if (!policy.open) return policy
  if (schedule === undefined || isPastStrategy(state, progress, schedule, now)) return open
  const everyone = everyoneServes(state, progress.version, now)
  return everyone.open ? strategyGate(state, progress) : everyone
}

/** Whether the strategy is not asked any more: "go now", or the deadline (R16). */
export function isPastStrategy(state: PeerState, progress: VersionProgress, schedule: Schedule, now: Now): boolean {
  const goNow = progress.goNow || effectivePolicy(state).goNow
  return goNow || now.wallMs >= overdueFromMs(state, schedule, progress.version)
}

/**
 * The part of the gate that is the local operator's. A hold and a highest version are prohibitions: nothing but another word of the operator
 * opens them. A window is a time: "go now", said of this version, is a better one.
 */
export function policyGate(
  state: PeerState,
  { version, held, goNow }: VersionProgress,
  schedule: Schedule | undefined,
  now: Now
): GateState {
  const { hold, highestVersion, windows } = effectivePolicy(state)
  if (hold || held)
    return closed('schedule', '§1', 'an operator of this peer holds it; `instar upgrade resume` lets it go on')
  if (highestVersion !== undefined && version > highestVersion) {
    const reason = `the policy of this peer allows no version above ${highestVersion}; \`instar policy set highest-version\` raises that`
    return closed('schedule', '§1', reason)
  }
  // Where nothing but the number changes, nobody is served less meanwhile.
  if (windows === undefined || schedule === undefined || goNow || isInWindow(windows, now.wallMs)) return open
  const opensMs = nextOpeningMs(windows, now.wallMs)
  const opens = opensMs === undefined ? 'and none ever opens' : `the next opens at ${new Date(opensMs).toISOString()}`
  return closed('schedule', '§1', `no maintenance window of this peer is open; ${opens}`)
}

/** When this gate has to be looked at again though nothing has happened, wall clock. */
export function nextWindowMs(state: PeerState, now: Now): number {
  const { windows } = effectivePolicy(state)
  return windows === undefined ? Number.POSITIVE_INFINITY : (nextOpeningMs(windows, now.wallMs) ?? Infinity)
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
 * `introduceGraceMs`. An eager first peer would otherwise call neighbours that are still fetching. Where it failed it is not on its way any
 * more: that is the health gate's to count, and one peer alone must not keep all others waiting.
 */
function everyoneServes(state: PeerState, version: number, now: Now): GateState {
  if (state.lineage === undefined || !isServableBefore(state, state.lineage, version)) return open
  const missing = peersAt(state, version, now)
    .filter(entry => isReachable(entry, now.monoMs, state.config.timing.introduceGraceMs))
    .filter(({ announcement }) => announcement.floor < version && !serves(announcement, version))
    .filter(({ announcement }) => !hasFailedAt(announcement, version))
    // It serves nobody for long, at any version, and may need this one for that.
    .filter(({ announcement }) => !isBroughtDown(announcement))
    .map(({ announcement }) => announcement.peer)
  if (missing.length === 0) return open
  const peers = missing.length === 1 ? '1 peer does' : `${missing.length} peers do`
  return closed('schedule', '§1', `${peers} not serve version ${version} yet (${namePeers(missing)})`, missing)
}

function hasFailedAt(announcement: Announcement, version: number): boolean {
  const phase = phaseAt(announcement, version)
  return phase !== undefined && isTrouble(phase)
}

/** What the strategy said last, as long as that is about what is known now. */
export function strategyGate(state: PeerState, { schedule }: VersionProgress): GateState {
  if (schedule === undefined) return closed('schedule', 'R15', 'the schedule has not been evaluated yet')
  if (schedule.decision === 'wait') return closed('schedule', 'R15', schedule.reason)
  if (schedule.rosterRevision !== state.rosterRevision) {
    return closed('schedule', 'R15', 'the schedule is being evaluated: what it reads has changed')
  }
  return open
}
