import { sha256Hex } from '../codec/hash.js'
import type { ClassUpgrade } from '../descriptor/descriptor.js'
import { namePeers } from '../gates/gate.js'
import { isReachable, phaseAt, type RosterEntry } from '../roster/roster.js'
import { isSameLineage, peersAt } from '../roster/same-history.js'
import { entryOf } from '../version-log/version-log.js'
import { comparePhases, isStopped, isTrouble, type Phase } from './phase.js'
import type { PeerState, VersionProgress } from './state.js'
import { wakeAtMono, type Turn } from './turn.js'

// Where peers introduce a version all at once, a bad module is in every live host before anybody has seen it fail. So they go in an
// order that nobody chooses, by a hash of peer and descriptor: the first share alone, and the others only when as many have announced
// that they passed their probation (R21: of peers that are admitted), spread out over `introduceOverMs` and behind the health gate.
//
//   who fails leaves the line                → the next one takes the place, alone as well; two failures close the health gate
//   who is being introduced takes a place    → so nobody else goes, although it stands further back in the line of another one
//   who is silent leaves the line            → as everywhere, after `unreachableAfterMs`
//   who neither goes nor fails               → keeps the others waiting for one `introduceOverMs` and probation; then as many more may go
//
// So whatever becomes of those in front, everybody's turn comes within a bounded time, and never more than one share goes on one word.

/** How long introducing takes through the network where the descriptor does not say (§2b). */
export const introduceOverMsDefault = 600_000

/** The part of the network that tries a version alone; one peer at least. */
const firstShare = 0.01

/** Another peer on its way to a version, in the order of introduction. */
export interface Fellow {
  readonly peer: string
  /** Its place: the smaller, the earlier. */
  readonly key: string
  /** `committed`: it runs the version, so that introducing is long over. `gone`: it failed, is stopped or silent. */
  readonly is: 'committed' | 'passed' | 'trying' | 'inLine' | 'gone'
}

/** Whether a peer may go; if not, whom it waits for. */
export type Place =
  | { readonly may: 'goNow' | 'goSpread' }
  /** `ahead`: who has the places. `next`: shares that must have been given up before its turn comes without anybody's success. */
  | { readonly may: 'wait'; readonly ahead: readonly string[]; readonly first: number; readonly next: number }

/**
 * The order of introduction (§2b), as one peer sees it.
 *
 * @param own its own key
 * @param givenUp how many shares of those in front have kept the others waiting for too long
 */
export function placeInLine(own: string, fellows: readonly Fellow[], givenUp: number): Place {
  if (fellows.some(each => each.is === 'committed')) return { may: 'goNow' }
  const first = firstCount(fellows.length + 1)
  const passed = fellows.filter(each => each.is === 'passed').length
  if (passed >= first) return { may: 'goSpread' }
  const trying = fellows.filter(each => each.is === 'trying')
  const inFront = fellows.filter(each => each.is === 'inLine' && each.key < own)
  const before = passed + trying.length + inFront.length
  const places = first * (1 + givenUp)
  if (before < places) return { may: 'goNow' }
  const ahead = [...trying, ...inFront.sort((a, b) => (a.key < b.key ? -1 : 1))]
    .map(each => each.peer)
    .slice(0, places - passed)
  return { may: 'wait', ahead, first, next: Math.floor(before / first) }
}

/** How many peers of so many try a version before all others. */
export function firstCount(peers: number): number {
  return Math.max(1, Math.floor(firstShare * peers))
}

/** Why it is not this peer's turn to introduce a version, in words; undefined when it is. */
export function waitForTurn(turn: Turn, progress: VersionProgress, upgrade: ClassUpgrade): string | undefined {
  const { state, now } = turn
  const overMs = upgrade.introduceOverMs ?? introduceOverMsDefault
  // Nothing of it is loaded before the upgrade: there is nothing to be careful with.
  if (overMs === 0 || upgrade.future === undefined) return undefined
  const ramp = (progress.ramp ??= { sinceMonoMs: now.monoMs, turn: undefined, isOpen: false })
  if (ramp.isOpen) return undefined
  const patienceMs = overMs + upgrade.probationMs
  const own = keyOf(state, progress.version, state.config.peer)
  const givenUp = Math.floor((now.monoMs - ramp.sinceMonoMs) / patienceMs)
  const place = placeInLine(own, fellowsOf(turn, progress.version), givenUp)
  if (place.may === 'wait') {
    ramp.turn = undefined
    wakeAtMono(turn, ramp.sinceMonoMs + place.next * patienceMs)
    const first = place.first === 1 ? 'one peer introduces' : `${place.first} peers introduce`
    return `${first} it first, and this one waits until it has passed its probation there (§2b: ${namePeers(place.ahead)})`
  }
  if (place.may === 'goSpread') {
    const waitMs = Math.floor(shareOf(own) * overMs)
    ramp.turn ??= { monoMs: now.monoMs + waitMs, wallMs: now.wallMs + waitMs }
    if (now.monoMs < ramp.turn.monoMs) {
      wakeAtMono(turn, ramp.turn.monoMs)
      return `the first peers have introduced it, and the others follow spread out: this one at ${new Date(ramp.turn.wallMs).toISOString()} (§2b)`
    }
  }
  ramp.isOpen = true
  return undefined
}

/** Peers whose class the version changes as it does this peer's. */
function fellowsOf({ state, now }: Turn, version: number): Fellow[] {
  return peersAt(state, version, now)
    .filter(({ announcement }) => isSameLineage(state, announcement))
    .map(entry => ({
      peer: entry.announcement.peer,
      key: keyOf(state, version, entry.announcement.peer),
      is: isReachable(entry, now.monoMs, state.config.timing.unreachableAfterMs) ? standing(entry, version) : 'gone'
    }))
}

function standing({ announcement }: RosterEntry, version: number): Fellow['is'] {
  if (announcement.floor >= version) return 'committed'
  const phase = phaseAt(announcement, version)
  if (phase === undefined) return 'inLine'
  if (isTrouble(phase) || isStopped(phase) || isGivenUp(phase)) return 'gone'
  if (comparePhases(phase, 'introduced') >= 0) return 'passed'
  return comparePhases(phase, 'introducing') >= 0 ? 'trying' : 'inLine'
}

function isGivenUp(phase: Phase): boolean {
  return phase === 'withdrawn' || phase === 'goingBack' || phase === 'diverged'
}

function keyOf({ log }: PeerState, version: number, peer: string): string {
  return sha256Hex(peer, entryOf(log, version).descriptorHash)
}

function shareOf(key: string): number {
  return parseInt(key.slice(0, 8), 16) / 0x1_0000_0000
}
