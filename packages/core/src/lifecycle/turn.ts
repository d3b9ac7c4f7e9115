import { invariant } from '../errors.js'
import type { JournalEntry } from '../journal/entries.js'
import { chainIdPrefix } from '../version-log/version-log.js'
import type { Effect } from './effect.js'
import type { Now } from './input.js'
import { occupiesLimit, type Phase } from './phase.js'
import type { PeerState, StateRehearsal, VersionProgress } from './state.js'

/** One step under way: the state it may change, and what it has decided so far. Rules write here, `step` hands it out. */
export interface Turn {
  readonly state: PeerState
  readonly now: Now
  readonly entries: JournalEntry[]
  readonly effects: Effect[]
  /** Monotonic clock at which a rule wants to be asked again. */
  wakeMonoMs: number
}

export function beginTurn(state: PeerState, now: Now): Turn {
  return { state, now, entries: [], effects: [], wakeMonoMs: Number.POSITIVE_INFINITY }
}

export function nextEffectId(turn: Turn): number {
  return ++turn.state.lastEffect
}

/** Asks for a tick when the monotonic clock reads this. */
export function wakeAtMono(turn: Turn, monoMs: number): void {
  turn.wakeMonoMs = Math.min(turn.wakeMonoMs, monoMs)
}

/** Asks for a tick when the wall clock reads this, as far as that can be told from now; asked again after every tick, so jumps heal. */
export function wakeAtWall(turn: Turn, wallMs: number): void {
  wakeAtMono(turn, turn.now.monoMs + Math.max(0, wallMs - turn.now.wallMs))
}

export function progressOf(state: PeerState, version: number): VersionProgress {
  const progress = state.versions.get(version)
  invariant(progress !== undefined, `version ${version} has no phase here`)
  return progress
}

export function newProgress(version: number, phase: Phase, wallMs: number): VersionProgress {
  return {
    version,
    phase,
    sinceWallMs: wallMs,
    reason: undefined,
    cause: undefined,
    attempt: 0,
    retryMonoMs: 0,
    effect: undefined,
    approved: false,
    held: false,
    goNow: false,
    evaluating: 0,
    schedule: undefined,
    isRehearsed: false,
    isSuspected: false,
    ramp: undefined,
    lack: undefined,
    watchedMonoMs: 0,
    rehearsal: newRehearsal(),
    trial: undefined,
    returns: 0,
    retryTrialMonoMs: undefined,
    probe: { effect: undefined, nextMonoMs: 0, before: undefined }
  }
}

export function newRehearsal(): StateRehearsal {
  return { effect: undefined, attempt: 0, retryMonoMs: 0, cause: undefined, passed: undefined }
}

/** Phases that are not worth an fsync: a restart derives them again from what is on disk. */
const transientPhases: ReadonlySet<Phase> = new Set<Phase>(['fetching', 'rehearsing', 'probation', 'waiting'])

/** A walk is one thing until its last version is committed, or has been given up. */
export function endWalk(state: PeerState, version: number, phase: Phase): void {
  if (state.walk?.isBegun === true && state.walk.to === version && !occupiesLimit(phase)) state.walk = undefined
}

/** Moves a version to another phase, writes it down where a restart must know it, and makes it heard. */
export function setPhase(
  turn: Turn,
  version: number,
  phase: Phase,
  why: { reason?: string; cause?: string } = {}
): void {
  const progress = progressOf(turn.state, version)
  progress.reason = why.reason
  if (why.cause !== undefined) progress.cause = why.cause
  if (progress.phase === phase) return
  progress.phase = phase
  if (phase !== 'trial') progress.trial = undefined
  progress.isSuspected = false
  endWalk(turn.state, version, phase)
  progress.sinceWallMs = turn.now.wallMs
  if (transientPhases.has(phase)) return
  turn.entries.push({
    type: 'phase',
    version,
    chainId: chainIdPrefix(turn.state.log, version) ?? '',
    phase,
    ...(why.cause === undefined ? {} : { cause: why.cause }),
    ...(progress.attempt === 0 ? {} : { attempt: progress.attempt })
  })
}
