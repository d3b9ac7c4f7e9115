import { chainIdPrefix, classAt, type Lineage } from '../version-log/version-log.js'
import type { OldState } from './old-state.js'
import { followWay } from './own-way.js'
import { effectivePolicy, holdAll } from './policy.js'
import type { PeerState } from './state.js'
import { newProgress, setPhase, type Turn } from './turn.js'

/** Those that the operator's policy leaves: young enough, and the newest as far as they fit together. */
export function stayingStates(state: Readonly<PeerState>, wallMs: number): readonly OldState[] {
  const { keepMs, bytesMax } = effectivePolicy(state).oldStates
  const newestFirst = [...(state.oldStates ?? [])].sort((a, b) => b.generation - a.generation)
  const staying: OldState[] = []
  let bytes = 0
  for (const each of newestFirst) {
    bytes += each.bytes
    if (bytes > bytesMax) break
    if (wallMs - each.sinceMs < keepMs) staying.push(each)
  }
  return staying
}

/** Why a state cannot become this object's again, in words for the operator; undefined when it can. */
export function whyNotRestored(state: Readonly<PeerState>, { version, chainId }: OldState): string | undefined {
  const { lineage, versions, running } = state
  if (lineage === undefined) return 'this peer has not joined its network yet'
  if (state.damage !== undefined) return state.damage
  if (chainIdPrefix(state.log, version) !== chainId) return `it is of version ${version} of another history`
  const phase = versions.get(running)?.phase
  if (phase === 'trial' || phase === 'goingBack')
    return `version ${running} is ${phase === 'trial' ? 'on trial' : 'going back'}: start the peer and let that end`
  return undefined
}

/**
 * The operator's restore has taken place (start table): the object is an earlier version's again, or a later one's that a restore had taken
 * it from. It serves nothing older, because no simulation object knows what is in this state; and it upgrades to nothing by itself.
 */
export function restored(turn: Turn, lineage: Lineage, code: number): void {
  const { state, entries } = turn
  const version = versionOf(state, lineage, code)
  for (const above of [...state.versions.keys()].filter(each => each > version)) {
    setPhase(turn, above, 'known')
    state.versions.delete(above)
  }
  state.restoring = undefined
  state.running = version
  state.lowest = version
  followWay(state)
  entries.push(
    { type: 'running', version, chainId: chainIdPrefix(state.log, version) ?? '' },
    { type: 'served', low: version }
  )
  if (version > state.joinedAt && !state.versions.has(version))
    state.versions.set(version, newProgress(version, 'known', turn.now.wallMs))
  if (state.versions.has(version)) setPhase(turn, version, 'committed')
  holdAll(turn, true)
}

/** The operator's restore was written down and did not take place: the peer goes on as it was. */
export function notRestored({ state, entries }: Turn): void {
  state.restoring = undefined
  entries.push({ type: 'running', version: state.running, chainId: chainIdPrefix(state.log, state.running) ?? '' })
}

/** The newest version with this code that the object had reached: those that left the class alone count too. */
function versionOf({ log, running, versions }: PeerState, lineage: Lineage, code: number): number {
  let version = code
  const isReached = (each: number): boolean => each <= running && versions.get(each)?.phase !== 'superseded'
  for (let v = code + 1; isReached(v) && classAt(log, lineage, v).codeVersion === code; v++) version = v
  return version
}
