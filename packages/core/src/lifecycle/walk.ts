import { backoffMs } from './config.js'
import type { LoadOutcome } from './input.js'
import type { PeerState, Walk } from './state.js'
import { blockOf } from './stop.js'
import { setPhase, type Turn } from './turn.js'

/** The walk whose switch or trial to this version is under way (§14). */
export function walkTo({ walk }: Readonly<PeerState>, version: number): Walk | undefined {
  return walk?.isBegun === true && walk.to === version ? walk : undefined
}

/** A walk is stopped by whatever stops one of its versions (P1). */
export function isWalkStopped(state: Readonly<PeerState>, { from, to }: Walk): boolean {
  const walked = [...state.versions.values()].filter(each => each.version > from && each.version <= to)
  return walked.some(({ version, phase }) => phase !== 'superseded' && blockOf(state, version) !== undefined)
}

export function walkRehearsed(turn: Turn, walk: Walk, outcome: LoadOutcome): void {
  walk.effect = undefined
  if (outcome.ok) walk.isRehearsed = true
  else if (outcome.transient) {
    walk.attempt++
    walk.retryMonoMs = turn.now.monoMs + backoffMs(turn.state.config.timing, walk.attempt)
  } else walkFailed(turn, walk, outcome.step)
}

/**
 * A walk could not be made: the step to blame is taken by itself, and what lies below it may be walked. Where nobody knows which it was, they
 * are all taken one by one. Not written down: the next process may try once more.
 */
export function walkFailed(turn: Turn, walk: Walk, step: number | undefined): void {
  const { state } = turn
  state.singly = step === undefined ? { first: walk.from + 1, last: walk.to } : { first: step, last: step }
  // A walk that has begun ends with the phase of its last version.
  if (walk.isBegun) setPhase(turn, walk.to, 'known')
  else state.walk = undefined
}
