import type { PeerState } from '../lifecycle/state.js'
import { open, type GateState } from './gate.js'

/**
 * How many members of a group may be down at once (R17). Without a signed group configuration there is no limit to keep: a `rolling`
 * schedule spreads peers out by announcements, which is a courtesy, not a safety. Slots (§3) come behind this function.
 */
export function limitGate(_state: PeerState, _version: number): GateState {
  return open
}
