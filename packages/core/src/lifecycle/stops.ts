import { chainIdPrefix } from '../version-log/version-log.js'
import { conflictAt, divergedAt } from './history.js'
import { isStopped, isSwitching, type Phase } from './phase.js'
import type { PeerState, VersionProgress } from './state.js'
import { decisionWords, divergedWords, stopOf, type Stop } from './stop.js'
import { goBack } from './trial.js'
import { newProgress, newRehearsal, setPhase, type Turn } from './turn.js'

/** Tried and given up: it stays so until somebody says otherwise (§4), and has nothing left to stop. */
const givenUp: ReadonlySet<Phase> = new Set<Phase>(['introduceFailed', 'failed', 'wentBack', 'withdrawn'])

/**
 * Stops what must not go on, and lets go on what nothing stops any more (P1). Looks at what holds now and not at what has just been heard:
 * whatever phase a version was in when the word came, before it was known or in the middle of a switch, it is the same afterwards.
 */
export function applyStops(turn: Turn): void {
  const { state } = turn
  for (const progress of [...state.versions.values()]) {
    if (progress.version > state.running && !isSwitching(progress.phase)) stopOrRelease(turn, progress)
  }
  endTrial(turn)
  markDiverged(turn)
}

function stopOrRelease(turn: Turn, progress: VersionProgress): void {
  const { version, phase } = progress
  const stop = stopOf(turn.state, version)
  if (stop === undefined) {
    if (isStopped(phase)) tryAgain(turn, progress)
    return
  }
  if (phase === stop.phase) progress.reason = stop.reason
  else if (isTouched(turn.state, progress, stop)) {
    if (phase === 'rehearsing' && progress.effect !== undefined)
      turn.effects.push({ effect: 'cancelRehearsal', id: progress.effect })
    progress.effect = undefined
    progress.schedule = undefined
    setPhase(turn, version, stop.phase, { reason: stop.reason })
  }
}

function isTouched({ halted }: PeerState, { version, phase }: VersionProgress, stop: Stop): boolean {
  if (stop.phase === 'superseded') return true
  if (givenUp.has(phase)) return false
  // Halted without `unload`, what is introduced goes on serving; its upgrade waits at the trust gate.
  const isIntroduced = phase === 'introduced' || phase === 'waiting'
  return stop.phase !== 'halted' || !isIntroduced || halted.get(version)?.unload === true
}

/** From its beginning. */
function tryAgain(turn: Turn, progress: VersionProgress): void {
  progress.attempt = 0
  progress.retryMonoMs = 0
  progress.cause = undefined
  progress.rehearsal = { ...newRehearsal(), effect: progress.rehearsal.effect }
  progress.retryTrialMonoMs = undefined
  setPhase(turn, progress.version, 'known')
}

/** A halted trial goes back, and so does one of a version that the root has decided against. One on a frozen version goes on (R20). */
function endTrial(turn: Turn): void {
  const { state } = turn
  const { running } = state
  if (state.versions.get(running)?.phase !== 'trial') return
  const at = conflictAt(state)
  const halt = state.halted.get(running)
  if (at !== undefined && at <= running) goBack(turn, running, decisionWords(state, at))
  else if (halt !== undefined) goBack(turn, running, `it was halted: ${halt.reason}`)
}

/** Says that this peer is diverged, or that it is not any more. */
function markDiverged(turn: Turn): void {
  const { state } = turn
  const at = divergedAt(state)
  for (const { version, phase } of [...state.versions.values()]) {
    if (phase === 'diverged' && version !== at) setPhase(turn, version, 'committed')
  }
  if (at === undefined) return
  const progress = state.versions.get(at) ?? newProgress(at, 'committed', turn.now.wallMs)
  state.versions.set(at, progress)
  setPhase(turn, at, 'diverged', { reason: divergedWords(state, at) })
}

/**
 * The signed end of a halt (§4): what failed is tried again, and what other peers said before does not count against the version any more
 * (§1). Each order once: it is told again at every start.
 */
export function heedResumptions(turn: Turn): void {
  const { state } = turn
  for (const [version, order] of state.resumed) {
    if (version > state.log.length || state.heeded.get(version)?.order === order) continue
    forgive(turn, version, order)
  }
}

export function forgive(turn: Turn, version: number, order?: string): void {
  const { state, now } = turn
  state.heeded.set(version, { order: order ?? state.heeded.get(version)?.order, monoMs: now.monoMs })
  turn.entries.push({
    type: 'resumed',
    version,
    chainId: chainIdPrefix(state.log, version) ?? '',
    atMs: now.wallMs,
    ...(order === undefined ? {} : { order })
  })
  const progress = state.versions.get(version)
  if (progress !== undefined) progress.returns = 0
  if (progress !== undefined && version > state.running && givenUp.has(progress.phase)) tryAgain(turn, progress)
}
