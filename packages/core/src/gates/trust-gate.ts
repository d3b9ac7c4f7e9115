import type { Now } from '../lifecycle/input.js'
import type { PeerState } from '../lifecycle/state.js'
import { closed, open, type GateState } from './gate.js'

/** Fresh, not halted, not forked (§1). Nothing starts on stale knowledge, nothing that runs is stopped by it (P1). */
export function trustGate(state: PeerState, version: number, now: Now): GateState {
  const frozen = [...state.frozen].filter(each => each <= version).sort((a, b) => a - b)[0]
  if (frozen !== undefined) {
    return closed(
      'trust',
      'R20',
      `two valid descriptors of version ${frozen} are known: nothing moves to it until the root role decides`
    )
  }
  if (state.halted.has(version)) return closed('trust', '§4', `version ${version} is halted`)
  if (now.wallMs >= state.freshUntilMs) {
    const since =
      state.freshUntilMs === 0
        ? 'no timestamp has been seen'
        : `the newest timestamp expired at ${new Date(state.freshUntilMs).toISOString()}`
    return closed(
      'trust',
      'R19',
      `the trust metadata are stale: ${since}; a holder of the timestamp key must sign a new one`
    )
  }
  return open
}
