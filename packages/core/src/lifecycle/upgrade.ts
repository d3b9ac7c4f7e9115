import { nextWindowMs, overdueFromMs, scheduleOf } from '../gates/schedule-gate.js'
import { firstClosed } from '../gates/all-gates.js'
import type { PeerFacts, ScheduleInputs } from '../gates/schedule-inputs.js'
import { groupsOf, isReachable, phaseAt } from '../roster/roster.js'
import { isSameLineage, peersAt } from '../roster/same-history.js'
import { entryOf, upgradeAt } from '../version-log/version-log.js'
import { retryReason } from './host.js'
import { nextVersion } from './goal.js'
import type { Now, ScheduleOutcome } from './input.js'
import { pauseReason, rehearseBeforeUpgrade, withPause } from './rehearse-state.js'
import { effectivePolicy } from './policy.js'
import { preflight } from './preflight.js'
import { arriveAt } from './arrive.js'
import { isLooping } from './supervise.js'
import { isStuckGoingBack } from './trial.js'
import type { VersionProgress } from './state.js'
import { nextEffectId, progressOf, setPhase, wakeAtMono, wakeAtWall, type Turn } from './turn.js'

/** Lets the next version go ahead when all four gates are open, and says why not otherwise (§1, R16, R18). */
export function decideUpgrade(turn: Turn): void {
  const { state, now } = turn
  const version = nextVersion(state)
  if (version === undefined || state.lineage === undefined) return
  const progress = progressOf(state, version)
  if (progress.phase !== 'introduced' && progress.phase !== 'waiting') return
  // §4: a version on trial is not upgraded from, unless by what repairs it: nothing more is to be learned of it.
  const isRepair = entryOf(state.log, version).descriptor.supersedes.includes(state.running)
  const runs = state.versions.get(state.running)?.phase
  if (runs === 'trial' && !isRepair) {
    setPhase(turn, version, 'waiting', { reason: `version ${state.running} is still on trial here` })
    return
  }
  // Nor from one that is being left, unless the way back fails.
  if (runs === 'goingBack' && !(isRepair && isStuckGoingBack(state))) {
    setPhase(turn, version, 'waiting', { reason: `version ${state.running} is going back here` })
    return
  }
  if (now.monoMs < progress.retryMonoMs) {
    wakeAtMono(turn, progress.retryMonoMs)
    setPhase(turn, version, 'waiting', { reason: retryReason(progress.attempt, progress.cause ?? 'unknown') })
    return
  }
  keepEvaluated(turn, progress)
  const rehearsal = rehearseBeforeUpgrade(turn, progress)
  const gate = firstClosed(state, progress, now)
  const reason = rehearsal ?? (gate === undefined ? undefined : withPause(state, progress, gate.reason))
  if (reason !== undefined) {
    setPhase(turn, version, 'waiting', { reason })
    return
  }
  const { host } = state
  if (host.switching === undefined && host.status === 'down' && !isLooping(turn)) {
    const reason = `the host that would go to it does not run: ${host.lastError ?? 'it is starting'}`
    setPhase(turn, version, 'waiting', { reason })
    return
  }
  if (host.switching !== undefined) return
  // Last, so that it is as new as can be: what it finds wanting would end the switch half way.
  const checked = preflight(turn, progress, 'upgrade')
  if (checked === 'asked') return
  if (checked !== 'clear') {
    setPhase(turn, version, 'waiting', { reason: checked.lacks })
    return
  }
  if (upgradeAt(state.log, state.lineage, version) === undefined) {
    arriveAt(turn, version)
    return
  }
  setPhase(turn, version, 'preparing', pauseReason(state, progress))
  // What a host waits for that is started again is no concern of another one.
  if (host.status === 'down') host.retryMonoMs = now.monoMs
}

/** Asks the scheduling function again when something that it may read has changed, or when it wanted to look again (R15). */
export function keepEvaluated(turn: Turn, progress: VersionProgress): void {
  const { state, now } = turn
  const schedule = scheduleOf(state, progress.version)
  if (schedule === undefined || progress.effect !== undefined) return
  const overdueMs = overdueFromMs(state, schedule, progress.version)
  // What has passed wakes nobody: a peer that is held back past it would look again and again.
  if (now.wallMs < overdueMs) wakeAtWall(turn, overdueMs)
  wakeAtWall(turn, nextWindowMs(state, now))
  const last = progress.schedule
  if (last !== undefined && last.rosterRevision === state.rosterRevision && isEarly(last, now)) {
    wakeAtWall(turn, last.lookAgainAtMs)
    wakeAtMono(turn, last.lookAgainMonoMs)
    return
  }
  progress.effect = nextEffectId(turn)
  progress.evaluating = state.rosterRevision
  const inputs = scheduleInputs(turn, progress)
  turn.effects.push({ effect: 'evaluateSchedule', id: progress.effect, schedule, inputs })
}

function isEarly(last: NonNullable<VersionProgress['schedule']>, now: Now): boolean {
  return now.wallMs < last.lookAgainAtMs && now.monoMs < last.lookAgainMonoMs
}

/** A crashed scheduling function means "wait", is retried, and is reported (R15). */
export function scheduleEvaluated(turn: Turn, progress: VersionProgress, outcome: ScheduleOutcome): void {
  const rosterRevision = progress.evaluating
  progress.effect = undefined
  const { wallMs, monoMs } = turn.now
  if (outcome.ok) {
    const { decision, reason } = outcome.decision
    const lookAgainAtMs = outcome.decision.decision === 'wait' ? outcome.decision.lookAgainAtMs : Infinity
    const lookAgainMonoMs = monoMs + Math.max(0, lookAgainAtMs - wallMs)
    progress.schedule = { decision, reason, lookAgainAtMs, lookAgainMonoMs, rosterRevision }
  } else {
    const pauseMs = turn.state.config.timing.retryMaxMs
    progress.schedule = {
      decision: 'wait',
      reason: `the scheduling function failed: ${outcome.cause}`,
      lookAgainAtMs: wallMs + pauseMs,
      lookAgainMonoMs: monoMs + pauseMs,
      rosterRevision
    }
  }
}

function scheduleInputs(turn: Turn, progress: VersionProgress): ScheduleInputs {
  const { state, now } = turn
  const self: PeerFacts = {
    peer: state.config.peer,
    groups: state.config.groups,
    running: state.running,
    phase: progress.phase,
    reachable: true
  }
  const peers = peersAt(state, progress.version, now)
    .filter(({ announcement }) => isSameLineage(state, announcement))
    .map((entry): PeerFacts => ({
      peer: entry.announcement.peer,
      groups: groupsOf(entry),
      running: entry.announcement.running.version,
      phase: phaseAt(entry.announcement, progress.version),
      reachable: isReachable(entry, now.monoMs, state.config.timing.unreachableAfterMs)
    }))
  const sorted = [...peers, self].sort((a, b) => (a.peer < b.peer ? -1 : 1))
  return {
    version: progress.version,
    nowMs: now.wallMs,
    self,
    approved: progress.approved || effectivePolicy(state).approve,
    peers: sorted
  }
}
