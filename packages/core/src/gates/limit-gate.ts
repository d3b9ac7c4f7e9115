import type { PeerState } from '../lifecycle/state.js'
import { open, type GateState } from './gate.js'

/**
 * How many members of a group may be down at once (R17). Without a signed group configuration there is no limit to keep: a `rolling`
 * schedule spreads peers out by announcements, which is a courtesy, not a safety. Slots (§3) come behind this function.
 *
 * Going back never asks this gate: a slot covers the time from before the drain to the commit or the end of going back, so a peer that goes back holds
 * the one it needs (§3.6, I8). A limit that could keep a peer on a version that fails it would do harm (P1).
 */
export function limitGate(_state: PeerState, _version: number): GateState {
  return open
}
