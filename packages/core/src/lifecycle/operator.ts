import type { OperatorWord } from '../journal/entries.js'
import type { Phase } from './phase.js'
import { setPhase, type Turn } from './turn.js'

const givenUp: ReadonlySet<Phase> = new Set<Phase>(['introduceFailed', 'failed', 'wentBack', 'withdrawn', 'halted'])

/** What the operator of this peer said; local policy stands above the schedule, below halts and limits. Survives a restart. */
export function heardOperator(turn: Turn, word: OperatorWord, version: number | undefined): void {
  const { state } = turn
  turn.entries.push({ type: 'operator', word, ...(version === undefined ? {} : { version }) })
  if (version === undefined) {
    if (word === 'hold') state.heldAll = true
    if (word === 'resume') state.heldAll = false
    return
  }
  const progress = state.versions.get(version)
  if (progress === undefined) return
  progress.schedule = undefined
  if (word === 'approve') progress.approved = true
  if (word === 'goNow') progress.goNow = true
  if (word === 'hold') progress.held = true
  if (word !== 'resume') return
  progress.held = false
  progress.attempt = 0
  progress.retryMonoMs = 0
  // A failed version is tried again from the start only on somebody's word (§4).
  if (givenUp.has(progress.phase) && version > state.running && !state.halted.has(version))
    setPhase(turn, version, 'known')
}
