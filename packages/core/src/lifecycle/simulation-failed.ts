import { classAt, upgradeAt, type Lineage } from '../version-log/version-log.js'
import { backoffMs } from './config.js'
import type { Fact } from './input.js'
import { isPassedOver } from './own-way.js'
import { isIntroduced, isSwitching } from './phase.js'
import type { PeerState } from './state.js'
import { goBack } from './trial.js'
import { newProgress, setPhase, type Turn } from './turn.js'

/**
 * A simulation object failed (§7, P2): a version above the object is not introduced any more; one below it ends a trial that can go back,
 * and is retired otherwise. Each is a phase with its cause, so it is announced.
 */
export function simulationFailed(turn: Turn, fact: Extract<Fact, { fact: 'simulationFailed' }>): void {
  const { state } = turn
  const { lineage, host } = state
  // What a host says that has been replaced is about simulation objects that are gone; one that is starting says it before it serves.
  const plan = [host.plan, host.switching?.plan].find(each => each?.plan === fact.plan)
  if (lineage === undefined || plan === undefined) return
  if (fact.revision > plan.object.revision && fact.transient === true) postpone(turn, fact.revision, fact.cause)
  else if (fact.revision > plan.object.revision) withdraw(turn, fact.revision, fact.cause)
  else if (fact.revision < plan.object.revision) giveUpPast(turn, lineage, fact.revision, fact.cause)
}

/** Times in a row that code has to bring its host down before it is given up where that costs callers of a version. */
const blamedAfter = 2

/**
 * The code of one façade brought its host down: it looped, or took all memory. A future simulation object goes at once, and so does a past
 * one that a trial came with (P2); what has been committed gets a second chance. An object on trial is judged by its health policy: one caller
 * that asks too much must not send a peer back (§15).
 */
export function broughtDown(turn: Turn, revision: number, cause: string): void {
  const { state } = turn
  const { lineage, host } = state
  const object = host.plan?.object.revision
  if (lineage === undefined || object === undefined) return
  const times = host.suspect?.revision === revision && host.failures > 1 ? host.suspect.times + 1 : 1
  host.suspect = { revision, times }
  const isAgain = times >= blamedAfter
  if (revision > object) withdraw(turn, revision, cause)
  else if (revision < object && (isAgain || canGoBack(state, lineage))) giveUpPast(turn, lineage, revision, cause)
}

/** Nothing of it is lost but what only its version could see; it comes back with the next introduction. */
function withdraw(turn: Turn, version: number, cause: string): void {
  const phase = turn.state.versions.get(version)?.phase
  // A switch to it is on its way already: the simulation object ends with it.
  if (phase === undefined || isSwitching(phase)) return
  if (phase === 'introducing' || isIntroduced(phase))
    setPhase(turn, version, 'introduceFailed', { cause, reason: cause })
}

/**
 * The machine could not build the state of a twin: no version is blamed for a disk (§1). It is built again after a pause, once the machine has
 * what that takes; until then the host goes on as if it had never been asked to.
 */
function postpone(turn: Turn, version: number, cause: string): void {
  const { state, now } = turn
  const { host } = state
  const progress = state.versions.get(version)
  if (progress === undefined || (progress.phase !== 'introducing' && !isIntroduced(progress.phase))) return
  if (isSwitching(progress.phase)) return
  progress.attempt++
  progress.retryMonoMs = now.monoMs + backoffMs(state.config.timing, progress.attempt)
  progress.isRehearsed = true
  // What was measured before it began to build says nothing any more.
  state.machine.facts = undefined
  setPhase(turn, version, 'rehearsing', { cause, reason: cause })
  if (host.plan === undefined || host.goal === undefined) return
  host.plan = { ...host.plan, future: host.plan.future.filter(each => each.revision < version) }
  host.goal = { ...host.goal, high: Math.min(host.goal.high, version - 1) }
  host.building = new Set([...host.building].filter(each => each < version))
}

function giveUpPast(turn: Turn, lineage: Lineage, revision: number, cause: string): void {
  const { state } = turn
  if (canGoBack(state, lineage)) {
    goBack(turn, state.running, cause)
    return
  }
  // It may fail again until the host is another one: the version that it serves is just what the way back leads to.
  if (state.versions.get(state.running)?.phase === 'goingBack') return
  // Every version that it served, and those that stood on it.
  for (let version = state.lowest; version < state.running; version++) {
    if (isPassedOver(state, version)) continue
    if (classAt(state.log, lineage, version).revision > revision) return
    const progress = state.versions.get(version) ?? newProgress(version, 'committed', turn.now.wallMs)
    state.versions.set(version, progress)
    setPhase(turn, version, 'retired', { cause, reason: cause })
    state.lowest = version + 1
  }
}

function canGoBack(state: PeerState, lineage: Lineage): boolean {
  if (state.versions.get(state.running)?.phase !== 'trial') return false
  const upgrade = upgradeAt(state.log, lineage, state.running)
  return upgrade !== undefined && upgrade.back !== 'none'
}
