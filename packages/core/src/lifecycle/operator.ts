import type { OperatorWord } from '../journal/entries.js'
import { chainIdPrefix } from '../version-log/version-log.js'
import { holdAll } from './policy.js'
import { stopOf } from './stop.js'
import { forgive } from './stops.js'
import { approveTrial, goBack, judgeAnew } from './trial.js'
import type { Turn } from './turn.js'

/** What the operator of this peer said; local policy stands above the schedule, below halts and limits. Survives a restart. */
export function heardOperator(turn: Turn, word: OperatorWord, version: number | undefined): void {
  const { state } = turn
  if (version === undefined) {
    if (word === 'hold' || word === 'resume') holdAll(turn, word === 'hold')
    return
  }
  turn.entries.push({ type: 'operator', word, ...ofVersion(turn, version) })
  const progress = state.versions.get(version)
  if (progress === undefined) return
  // An evaluation that is under way has not read it.
  state.rosterRevision++
  progress.schedule = undefined
  if (word === 'approve') progress.approved = true
  if (word === 'goNow') progress.goNow = true
  if (word === 'hold') progress.held = true
  if (word === 'approve') approveTrial(turn, progress)
  if (word === 'goBack') goBack(turn, version, 'an operator of this peer sent it back')
  if (word !== 'resume') return
  judgeAnew(turn, progress)
  progress.held = false
  progress.attempt = 0
  progress.retryMonoMs = 0
  // A failed version is tried again from the start only on somebody's word (§4), and not against a halt.
  if (version > state.running && stopOf(state, version) === undefined) forgive(turn, version)
}

/** A word about a version is no word about another one of the same number (§6). */
function ofVersion({ state }: Turn, version: number): { version: number; chainId?: string } {
  const chainId = chainIdPrefix(state.log, version)
  return chainId === undefined ? { version } : { version, chainId }
}
