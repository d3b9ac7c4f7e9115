import type { Announcement } from '../announcement/announcement.js'
import type { Now } from '../lifecycle/input.js'
import { isTrouble, type Phase } from '../lifecycle/phase.js'
import type { VersionLog } from '../version-log/version-log.js'
import { flawOfCertificate, type Admission } from './admission.js'

/** What this peer knows of one other peer. */
export interface RosterEntry {
  readonly announcement: Announcement
  /** This peer's monotonic clock when the sequence last grew: statements are aged by the receiver's clock (§13). */
  readonly heardMonoMs: number
  readonly admission: Admission
  /** When it was first heard of each version that it is in trouble with (§1), by the same clock. */
  readonly troubleMonoMs: ReadonlyMap<number, number>
}

/** The newest statement of every other peer. Owned by one {@link PeerState}; changed only by `observe`, `rejudge` and `forget`. */
export type Roster = Map<string, RosterEntry>

/** What the question whether a peer counts is asked of: a part of the peer's state. */
interface Knowledge {
  readonly roster: Roster
  readonly log: VersionLog
  readonly config: { readonly timing: { readonly departedAfterMs: number } }
}

/** Statements of strangers are kept to be shown to people; identities cost nothing, so not many. */
export const strangersMax = 1000

/** Orders two statements of one peer: a later boot beats any sequence number of an earlier one. */
export function isNewer(a: Announcement, b: Announcement): boolean {
  return a.epoch > b.epoch || (a.epoch === b.epoch && a.seq > b.seq)
}

/** Takes in a verified statement; false when it says nothing new. */
export function observe(roster: Roster, entry: Omit<RosterEntry, 'troubleMonoMs'>): boolean {
  const { peer } = entry.announcement
  const known = roster.get(peer)
  if (known !== undefined && !isNewer(entry.announcement, known.announcement)) return false
  const trouble = entry.announcement.versions.filter(({ phase }) => isTrouble(phase))
  const since = trouble.map(({ version }) => [version, known?.troubleMonoMs.get(version) ?? entry.heardMonoMs] as const)
  roster.set(peer, { ...entry, troubleMonoMs: new Map(since) })
  if (entry.admission.by === 'nothing' && roster.size > strangersMax) forgetOldestStranger(roster)
  return true
}

/** Takes in what the admission role says of peers now. @returns whether anything changed */
export function rejudge(roster: Roster, admissions: ReadonlyMap<string, Admission>): boolean {
  let changed = false
  for (const [peer, admission] of admissions) {
    const entry = roster.get(peer)
    if (entry === undefined || JSON.stringify(entry.admission) === JSON.stringify(admission)) continue
    roster.set(peer, { ...entry, admission })
    changed = true
  }
  return changed
}

function forgetOldestStranger(roster: Roster): void {
  let oldest: RosterEntry | undefined
  let strangers = 0
  for (const entry of roster.values()) {
    if (entry.admission.by !== 'nothing') continue
    strangers++
    if (oldest === undefined || entry.heardMonoMs < oldest.heardMonoMs) oldest = entry
  }
  if (oldest !== undefined && strangers > strangersMax) roster.delete(oldest.announcement.peer)
}

/** Drops peers that have been silent for very long and count no more. @returns whether any was dropped */
export function forget({ roster, config }: Knowledge, { wallMs, monoMs }: Now): boolean {
  let changed = false
  for (const [peer, { heardMonoMs, admission }] of roster) {
    if (monoMs - heardMonoMs <= config.timing.departedAfterMs) continue
    if (admission.by === 'certificate' && wallMs < admission.untilMs) continue
    roster.delete(peer)
    changed = true
  }
  return changed
}

/**
 * Why what a peer announces enters no decision (R21), in words; undefined when it counts. Every decision asks this one question. A
 * silent peer counts until its certificate ends, and under the policy `open` until it counts as departed (§14).
 */
export function strangeness({ log, config }: Knowledge, entry: RosterEntry, now: Now): string | undefined {
  const { admission, announcement } = entry
  switch (admission.by) {
    case 'nothing':
      return admission.reason
    case 'policy':
      return isReachable(entry, now.monoMs, config.timing.departedAfterMs)
        ? undefined
        : 'it has been silent for so long that it counts as departed'
    case 'certificate':
      return flawOfCertificate(log, announcement, admission, now.wallMs)
  }
}

/** Whether a peer's announcements may enter decisions (R21). */
export function isAdmitted(knowledge: Knowledge, entry: RosterEntry, now: Now): boolean {
  return strangeness(knowledge, entry, now) === undefined
}

/** The groups that a peer announces and may be in. */
export function groupsOf({ announcement, admission }: RosterEntry): readonly string[] {
  return admission.by === 'certificate'
    ? announcement.groups.filter(group => admission.groups.includes(group))
    : announcement.groups
}

/** Whether a peer has spoken within the time after which it counts as unreachable. */
export function isReachable(
  { heardMonoMs }: Pick<RosterEntry, 'heardMonoMs'>,
  monoMs: number,
  unreachableAfterMs: number
): boolean {
  return monoMs - heardMonoMs <= unreachableAfterMs
}

/** Admitted peers in the order of their ids, so that the same knowledge gives the same decision everywhere. */
export function admittedPeers(knowledge: Knowledge, now: Now): RosterEntry[] {
  return [...knowledge.roster.values()].filter(entry => isAdmitted(knowledge, entry, now)).sort(byPeer)
}

/** Orders entries by peer id. */
export function byPeer(a: RosterEntry, b: RosterEntry): number {
  return a.announcement.peer < b.announcement.peer ? -1 : a.announcement.peer > b.announcement.peer ? 1 : 0
}

/** The phase of a version at a peer as far as its statement tells: a version at or below its floor is settled there. */
export function phaseAt(announcement: Announcement, version: number): Phase | undefined {
  const spoken = announcement.versions.find(each => each.version === version)
  if (spoken !== undefined) return spoken.phase
  return version <= announcement.floor ? 'committed' : undefined
}

/** Whether the peer says that its host does not stay up: what has been committed is spoken of only there. */
export function isBroughtDown({ running, versions }: Announcement): boolean {
  return versions.some(({ version, phase }) => version === running.version && phase === 'committed')
}

/** Whether the peer serves calls of the version now. */
export function serves(announcement: Announcement, version: number): boolean {
  const served = announcement.served
  return served !== undefined && served[0] <= version && version <= served[1]
}
