import { chainIdPrefix, upgradeAt } from '../version-log/version-log.js'
import { beforeIn } from './history.js'
import { followWay } from './own-way.js'
import { unpark } from './supervise.js'
import { beginTrial } from './trial-journal.js'
import { progressOf, setPhase, type Turn } from './turn.js'

// The two moments at which another version becomes the one that runs here; what led there, a switch, a start that finds it done or a
// version that leaves the class alone, is others' business.

/** The object is this version's now: on trial until it has shown itself stable. */
export function arriveAt(turn: Turn, version: number): void {
  const { state } = turn
  // §4: what a repair found on trial, or going back in vain, has been left for it, and is where going back from it leads.
  const left = state.versions.get(state.running)?.phase
  if (left === 'trial' || left === 'goingBack') setPhase(turn, state.running, 'committed')
  state.running = version
  followWay(state)
  turn.entries.push({ type: 'running', version, chainId: chainIdPrefix(state.log, version) ?? '' })
  // It was the code before that did not stay up.
  if (state.lineage !== undefined && upgradeAt(state.log, state.lineage, version) !== undefined) unpark(turn)
  setPhase(turn, version, 'trial')
  const progress = state.versions.get(version)
  if (progress !== undefined) {
    progress.watchedMonoMs = turn.now.monoMs
    progress.attempt = 0
    beginTrial(turn, progress)
  }
}

/** The object is the version before again; the failed one is left alone until an operator, a repair or a resume (§4). */
export function leave(turn: Turn, version: number): void {
  const { state } = turn
  const progress = progressOf(state, version)
  const { cause } = progress
  progress.attempt = 0
  state.running = beforeIn(state, version)
  followWay(state)
  turn.entries.push({ type: 'running', version: state.running, chainId: chainIdPrefix(state.log, state.running) ?? '' })
  setPhase(turn, version, 'wentBack', cause === undefined ? {} : { cause, reason: cause })
}
