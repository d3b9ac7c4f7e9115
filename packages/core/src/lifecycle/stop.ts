import { supersederOf } from '../version-log/version-log.js'
import { conflictAt } from './history.js'
import type { PeerState } from './state.js'

/** What keeps a version from going on here, whatever the gates say. */
export interface Stop {
  readonly phase: 'halted' | 'frozen' | 'superseded'
  readonly rule: string
  readonly reason: string
}

/** R4: a superseded version is stepped over, so whatever else stops it does not matter. */
export function stopOf(state: Readonly<PeerState>, version: number): Stop | undefined {
  const by = supersederOf(state.log, version)
  if (by !== undefined) return { phase: 'superseded', rule: '§4', reason: `version ${by} supersedes it` }
  return blockOf(state, version)
}

/** R20, §4, §6: the first of these that holds. */
export function blockOf(state: Readonly<PeerState>, version: number): Stop | undefined {
  const frozen = Math.min(...[...state.frozen].filter(each => each <= version))
  if (Number.isFinite(frozen)) {
    const reason = `two valid descriptors of version ${frozen} are known: nothing moves to it until the root role decides`
    return { phase: 'frozen', rule: 'R20', reason }
  }
  const at = conflictAt(state)
  if (at !== undefined && at <= version) return { phase: 'frozen', rule: '§6', reason: decisionWords(state, at) }
  const halt = state.halted.get(version)
  if (halt === undefined) return undefined
  return { phase: 'halted', rule: '§4', reason: `version ${version} is halted: ${halt.reason}` }
}

/** What the network says of a version that this peer has another descriptor of. */
export function decisionWords({ trusted, decided }: Readonly<PeerState>, version: number): string {
  if (decided.get(version) === 'none') return `the root role has decided that there is no version ${version}`
  if (decided.has(version)) return `the root role has decided for another descriptor of version ${version}`
  return trusted.length < version
    ? `the network does not count its version ${version}`
    : `the network counts another descriptor as version ${version}`
}

/** For the operator, and for callers. */
export function divergedWords(state: Readonly<PeerState>, at: number): string {
  return `${decisionWords(state, at)}, and this peer has committed its own; it answers no call at version ${at} or above until \`instar peer reset\` lets it begin anew`
}
