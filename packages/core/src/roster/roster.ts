import type { Announcement } from '../announcement/announcement.js'
import type { Phase } from '../lifecycle/phase.js'

/** What this peer knows of one other peer. */
export interface RosterEntry {
  readonly announcement: Announcement
  /** This peer's monotonic clock when the sequence last grew: statements are aged by the receiver's clock (§13). */
  readonly heardMonoMs: number
}

/** The newest statement of every other peer. Owned by one {@link PeerState}; changed only by `observe` and `forget`. */
export type Roster = Map<string, RosterEntry>

/** Orders two statements of one peer: a later boot beats any sequence number of an earlier one. */
export function isNewer(a: Announcement, b: Announcement): boolean {
  return a.epoch > b.epoch || (a.epoch === b.epoch && a.seq > b.seq)
}

/** Takes in a verified statement; false when it says nothing new. */
export function observe(roster: Roster, announcement: Announcement, heardMonoMs: number): boolean {
  const known = roster.get(announcement.peer)
  if (known !== undefined && !isNewer(announcement, known.announcement)) return false
  roster.set(announcement.peer, { announcement, heardMonoMs })
  return true
}

/** Drops peers that have been silent for so long that they count as departed. @returns whether any was dropped */
export function forget(roster: Roster, monoMs: number, departedAfterMs: number): boolean {
  let changed = false
  for (const [peer, entry] of roster) {
    if (monoMs - entry.heardMonoMs > departedAfterMs) {
      roster.delete(peer)
      changed = true
    }
  }
  return changed
}

/**
 * Whether a peer's announcements may enter decisions (R21). The policy is `open` so far: who proves its identity, by the signature
 * that was verified before the statement came here, counts as admitted. Every decision asks this one predicate.
 */
export function isAdmitted(_entry: RosterEntry): boolean {
  return true
}

/** Whether a peer has spoken within the time after which it counts as unreachable. */
export function isReachable(entry: RosterEntry, monoMs: number, unreachableAfterMs: number): boolean {
  return monoMs - entry.heardMonoMs <= unreachableAfterMs
}

/** Admitted peers in the order of their ids, so that the same knowledge gives the same decision everywhere. */
export function admittedPeers(roster: Roster): RosterEntry[] {
  return [...roster.values()]
    .filter(isAdmitted)
    .sort((a, b) =>
      a.announcement.peer < b.announcement.peer ? -1 : a.announcement.peer > b.announcement.peer ? 1 : 0
    )
}

/** The phase of a version at a peer as far as its statement tells: a version at or below its floor is settled there. */
export function phaseAt(announcement: Announcement, version: number): Phase | undefined {
  const spoken = announcement.versions.find(each => each.version === version)
  if (spoken !== undefined) return spoken.phase
  return version <= announcement.floor ? 'committed' : undefined
}

/** Whether the peer serves calls of the version now. */
export function serves(announcement: Announcement, version: number): boolean {
  const served = announcement.served
  return served !== undefined && served[0] <= version && version <= served[1]
}
