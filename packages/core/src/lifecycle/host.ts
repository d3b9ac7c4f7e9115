import { healthGate } from '../gates/health-gate.js'
import { trustGate } from '../gates/trust-gate.js'
import type { HostPlan, SwitchStage } from '../host-plan/host-plan.js'
import { classAt } from '../version-log/version-log.js'
import { wantBundle } from './bundles.js'
import { backoffMs } from './config.js'
import { bundlesOf, desiredGoal, isSameHost, planOf } from './goal.js'
import type { Fact, SwitchOutcome } from './input.js'
import { isStopped, isSwitching, type Phase } from './phase.js'
import { broughtDown } from './simulation-failed.js'
import { arriveAt, leave } from './arrive.js'
import { stopOf } from './stop.js'
import { countCrash, isLooping } from './supervise.js'
import { crashedOnTrial, wayBackFailed } from './trial.js'

import type { Goal, SwitchPurpose } from './host-state.js'
import type { PeerState, VersionProgress } from './state.js'
import { nextEffectId, progressOf, setPhase, wakeAtMono, type Turn } from './turn.js'
import { isWalkStopped, walkFailed, walkTo } from './walk.js'

/**
 * Keeps the host at what the phases ask for. `switchHost` is the only operation on hosts and at most one is under way (§10); what
 * needs no other process (an unaffected or compatible version) is reached at once.
 */
export function driveHost(turn: Turn): void {
  const { state, now } = turn
  const { host } = state
  if (state.damage !== undefined || (host.parked !== undefined && !isUpgrading(state))) return
  if (host.switching !== undefined) {
    cancelIfUnwanted(turn)
    return
  }
  const goal = gatedGoal(turn)
  if (goal === undefined) return
  const plan = planOf(state, goal, host.lastPlan + 1)
  if (host.status === 'up' && !host.isSpent && host.plan !== undefined && isSameHost(plan, host.plan)) {
    host.goal = goal
    reached(turn, goal)
    return
  }
  if (now.monoMs < host.retryMonoMs) {
    wakeAtMono(turn, host.retryMonoMs)
    return
  }
  const missing = bundlesOf(plan).filter(bundle => wantBundle(turn, bundle).status !== 'ready')
  if (missing.length > 0) return
  switchHost(turn, goal, plan)
}

/** The host of the version that does not stay up is left down, not the one of the version that follows. */
function isUpgrading({ versions, running }: PeerState): boolean {
  return [...versions.values()].some(({ version, phase }) => version > running && isSwitching(phase))
}

/** What the host should serve now. A host that does not stay up is to serve nothing that others could be blamed for. */
function goalNow(turn: Turn): Goal | undefined {
  const goal = desiredGoal(turn.state)
  return goal === undefined || !isLooping(turn) ? goal : { ...goal, high: Math.max(goal.object, turn.state.running) }
}

/** Loading code needs open gates (P1): a version that is only about to be introduced waits outside the plan until they are. */
function gatedGoal(turn: Turn): Goal | undefined {
  const { state, now } = turn
  const goal = goalNow(turn)
  if (goal === undefined) return undefined
  const introducing = state.versions.get(goal.high)
  if (introducing?.phase !== 'introducing' || goal.high === goal.object) return goal
  const isOpen = trustGate(state, goal.high, now).open && healthGate(state, goal.high, now).open
  return isOpen ? goal : { ...goal, high: Math.max(goal.object, goal.high - 1) }
}

function switchHost(turn: Turn, goal: Goal, plan: HostPlan): void {
  const { host } = turn.state
  host.lastPlan = plan.plan
  const { purpose, version } = purposeOf(turn.state, goal)
  const effect = nextEffectId(turn)
  host.switching = { effect, goal, plan, purpose, version, stage: undefined, isCancelled: false }
  turn.effects.push({ effect: 'switchHost', id: effect, plan, purpose, version })
}

function purposeOf(state: PeerState, goal: Goal): { purpose: SwitchPurpose; version: number | undefined } {
  const before = state.host.goal
  if (goal.goBack) return { purpose: 'goBack', version: state.running }
  if (goal.object > state.running) return { purpose: 'upgrade', version: goal.object }
  if (before === undefined || state.host.status === 'down') return { purpose: 'start', version: undefined }
  if (goal.high > before.high) return { purpose: 'introduce', version: goal.high }
  if (goal.high < before.high) return { purpose: 'withdraw', version: before.high }
  if (goal.low > before.low) return { purpose: 'retire', version: undefined }
  return { purpose: state.host.isSpent ? 'renew' : 'commit', version: undefined }
}

/** What stops a version, or sends the peer back, is heard while a switch runs: that is asked to stop at its next safe point (§10, P1). */
function cancelIfUnwanted(turn: Turn): void {
  const { state } = turn
  const { switching } = state.host
  if (switching?.version === undefined || switching.isCancelled) return
  const { purpose, version } = switching
  if (purpose !== 'upgrade' && purpose !== 'introduce') return
  const phase = state.versions.get(version)?.phase
  const walk = walkTo(state, version)
  const isUnwanted =
    purpose === 'upgrade'
      ? stopOf(state, version) !== undefined || (walk !== undefined && isWalkStopped(state, walk))
      : (phase !== undefined && isStopped(phase)) || state.versions.get(state.running)?.phase === 'goingBack'
  if (!isUnwanted) return
  switching.isCancelled = true
  turn.effects.push({ effect: 'cancelSwitch', id: switching.effect })
}

/** The host serves this goal now: whoever waited for that moves on. */
function reached(turn: Turn, goal: Goal): void {
  const { state } = turn
  for (const progress of [...state.versions.values()]) {
    const { version, phase } = progress
    if (phase === 'introducing' && version <= goal.high && version > goal.object) {
      if (isBeingBuilt(state, version)) {
        progress.reason = 'its state is being built beside the version that serves'
        continue
      }
      progress.watchedMonoMs = turn.now.monoMs
      progress.attempt = 0
      setPhase(turn, version, 'probation')
    } else if (isSwitching(phase) && phase !== 'goingBack' && version === goal.object) {
      arriveAt(turn, version)
    } else if (phase === 'goingBack' && goal.goBack) {
      leave(turn, version)
    }
  }
}

/** A twin serves when its state is complete; those that stand on it wait too. */
function isBeingBuilt({ host, log, lineage }: PeerState, version: number): boolean {
  if (lineage === undefined || host.building.size === 0) return false
  const { revision } = classAt(log, lineage, version)
  return [...host.building].some(each => each <= revision)
}

/** Its author's code runs over the whole state, beside calls that must not pay for it (§2c, P2). */
function isBuilding(state: PeerState, { version, phase }: VersionProgress): boolean {
  return phase === 'introducing' && isBeingBuilt(state, version)
}

/** The host says that the state of a twin is complete. */
export function simulationBuilt(turn: Turn, plan: number, revision: number): void {
  const { host } = turn.state
  if (host.plan?.plan === plan) host.building.delete(revision)
}

const phaseOfStage: Readonly<Partial<Record<SwitchStage, Phase>>> = {
  holding: 'draining',
  transforming: 'transforming',
  transformed: 'activating'
}

/** Where the switch of an upgrade is, as the phases that others see. */
export function switchStage(turn: Turn, effect: number, stage: SwitchStage): void {
  const { switching } = turn.state.host
  if (switching?.effect !== effect) return
  switching.stage = stage
  if (switching.purpose !== 'upgrade' || switching.version === undefined) return
  const phase = phaseOfStage[stage]
  if (phase !== undefined) setPhase(turn, switching.version, phase)
}

export function switched(turn: Turn, outcome: SwitchOutcome): void {
  const { state } = turn
  const { host } = state
  const { switching } = host
  if (switching === undefined) return
  host.switching = undefined
  // Where the same process serves again it is said again.
  host.isSpent = false
  if (outcome.ok) {
    host.status = 'up'
    host.goal = switching.goal
    host.plan = switching.plan
    host.stateVersion = outcome.stateVersion
    host.building = new Set(outcome.building)
    host.lastError = undefined
    host.upMonoMs = turn.now.monoMs
    for (const version of state.foreign) if (version > switching.goal.high) state.foreign.delete(version)
    if (!host.began) turn.entries.push({ type: 'began' })
    host.began = true
    reached(turn, switching.goal)
    return
  }
  host.lastError = outcome.cause
  if (outcome.stateVersion !== undefined) host.stateVersion = outcome.stateVersion
  if (!outcome.restored) host.status = 'down'
  switchFailed(turn, switching, outcome)
}

function switchFailed(
  turn: Turn,
  switching: NonNullable<PeerState['host']['switching']>,
  outcome: { cause: string; transient?: boolean; stateVersion: number | undefined; step?: number }
): void {
  const { state, now } = turn
  const { timing } = state.config
  const { host } = state
  const { purpose, version } = switching
  const isMachines = outcome.transient === true && !switching.isCancelled
  if (purpose === 'upgrade' && version !== undefined) {
    const moved =
      outcome.stateVersion === switching.plan.object.version &&
      switching.plan.object.version !== codeOf(state, state.running)
    // The pointer has moved: there is no half way back, the new version is what runs here (R13).
    const walk = walkTo(state, version)
    if (moved) arriveAt(turn, version)
    else if (walk !== undefined && switching.isCancelled) setPhase(turn, version, 'known')
    else if (walk !== undefined) walkFailed(turn, walk, outcome.step)
    else if (switching.isCancelled) setPhase(turn, version, 'introduced')
    else upgradeFailed(turn, version, outcome.cause, isMachines)
  } else if (switching.isCancelled) {
    // What stopped it has told its phase already.
  } else if (purpose === 'introduce' && version !== undefined && isComplete(turn, switching.plan)) {
    // A machine without room says nothing about the version: nobody else must be warned of it (§1).
    if (!isMachines) setPhase(turn, version, 'introduceFailed', { cause: outcome.cause, reason: outcome.cause })
  }
  // Where the pointer has moved the version is left, and its host is what has to come up.
  if (purpose === 'goBack' && outcome.stateVersion !== switching.plan.object.version)
    wayBackFailed(turn, outcome.cause, isMachines)
  if (host.status === 'down' || isMachines || (purpose !== 'upgrade' && purpose !== 'introduce')) {
    host.failures++
    host.retryMonoMs = now.monoMs + backoffMs(timing, host.failures)
    if (purpose === 'start' && !isMachines) {
      countCrash(turn, outcome.cause)
      withdrawSuspect(turn, outcome.cause)
    }
  }
}

/** Whether all code of a plan is here: a bundle that was lost on disk is no fault of the version's. */
function isComplete(turn: Turn, plan: HostPlan): boolean {
  return bundlesOf(plan).every(bundle => turn.state.bundles.get(bundle)?.status === 'ready')
}

function codeOf(state: PeerState, version: number): number {
  return state.lineage === undefined ? 0 : classAt(state.log, state.lineage, version).codeVersion
}

/** @param isMachines the machine had no room, or its disk fails: that makes the pauses grow, and the version never `failed` (§1) */
function upgradeFailed(turn: Turn, version: number, cause: string, isMachines: boolean): void {
  const { timing } = turn.state.config
  const progress = progressOf(turn.state, version)
  progress.attempt++
  if (progress.attempt >= timing.upgradeAttemptsMax && !isMachines) {
    return setPhase(turn, version, 'failed', {
      cause,
      reason: `${progress.attempt} attempts failed, the last one: ${cause}`
    })
  }
  const pauseMs = backoffMs(timing, progress.attempt)
  progress.retryMonoMs = turn.now.monoMs + pauseMs
  setPhase(turn, version, 'introduced', { cause })
  setPhase(turn, version, 'waiting', { reason: retryReason(progress.attempt, cause) })
}

export function retryReason(attempt: number, cause: string): string {
  return `attempt ${attempt} failed: ${cause}; it is tried again`
}

/** Failures in a row after which the newest code in the plan is suspected. */
const suspectAfter = 2

/** P2: new code never costs the old version a call. A host that keeps failing with a future SO in its plan goes on without it. */
function withdrawSuspect(turn: Turn, cause: string): void {
  const { state } = turn
  const goal = goalNow(turn)
  if (state.host.failures < suspectAfter || goal === undefined || goal.high <= goal.object) return
  setPhase(turn, goal.high, 'introduceFailed', { cause, reason: cause })
  progressOf(state, goal.high).isSuspected = true
}

/** The host that ran has ended by itself (§2c, §15). */
export function hostExited(turn: Turn, { plan, cause, suspect, crash }: Extract<Fact, { fact: 'hostExited' }>): void {
  const { state, now } = turn
  const { host } = state
  if (host.plan?.plan !== plan || host.switching !== undefined) return
  host.status = 'down'
  host.isSpent = false
  host.lastError = cause
  host.crashes++
  // A host that ran well for so long does not pay for what happened before.
  if (now.monoMs - host.upMonoMs > state.config.timing.retryMaxMs) {
    host.failures = 0
    host.committedCrashes = 0
  }
  host.failures++
  countCrash(turn, cause, suspect)
  // What is known to have brought it down is withdrawn, or refused for a while: nobody else has to wait for long.
  const pauses = suspect === undefined ? host.failures - 1 : Math.min(host.failures - 1, 1)
  host.retryMonoMs = now.monoMs + (pauses === 0 ? 0 : backoffMs(state.config.timing, pauses))
  // Ended from outside it says nothing about the code, and what a simulation object did is that one's.
  const isObjects = suspect === undefined ? crash !== undefined : suspect === host.plan.object.revision
  if (isObjects) host.broughtDownMonoMs = [...host.broughtDownMonoMs.slice(-7), now.monoMs]
  for (const progress of [...state.versions.values()]) {
    if (progress.phase === 'probation' || (isBuilding(state, progress) && suspect !== host.plan.object.revision))
      setPhase(turn, progress.version, 'introduceFailed', { cause, reason: cause })
    if (progress.phase === 'trial' && !isObjects) progress.watchedMonoMs = now.monoMs
    if (progress.phase === 'trial' && isObjects) crashedOnTrial(turn, progress, cause, crash?.caller)
  }
  // Where nobody knows whose doing it was, the newest code is suspected.
  if (suspect === undefined) withdrawSuspect(turn, cause)
  else broughtDown(turn, suspect, cause)
}
