import type { Now } from '../lifecycle/input.js'
import type { PeerState } from '../lifecycle/state.js'
import { blockOf } from '../lifecycle/stop.js'
import { closed, open, type GateState } from './gate.js'

/** Fresh, not halted, not forked (§1). Nothing starts on stale knowledge, nothing that runs is stopped by it (P1). */
export function trustGate(state: PeerState, version: number, now: Now): GateState {
  const block = blockOf(state, version)
  if (block !== undefined) return closed('trust', block.rule, block.reason)
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
