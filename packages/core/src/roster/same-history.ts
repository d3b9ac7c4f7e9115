import type { Announcement } from '../announcement/announcement.js'
import { conflictAt } from '../lifecycle/history.js'
import type { Now } from '../lifecycle/input.js'
import type { PeerState } from '../lifecycle/state.js'
import { findLineage } from '../version-log/version-log.js'
import { admittedPeers, type RosterEntry } from './roster.js'

/**
 * The first version by which a peer means another one than this peer does (§6); Infinity as long as nothing that it says tells so.
 *
 * It names the chain ids of a few versions only: where one of them is another, the fork that is known below it is what they part at.
 */
export function differsFrom(state: Readonly<PeerState>, { running, versions }: Announcement): number {
  let other = Infinity
  let same = 0
  for (const { version, chainId } of [running, ...versions]) {
    const own = state.log[version - 1]?.chainId
    if (own === undefined) continue
    if (own.startsWith(chainId)) same = Math.max(same, version)
    else other = Math.min(other, version)
  }
  if (other === Infinity) return Infinity
  const conflict = conflictAt(state)
  const forks = [...state.frozen, ...state.decided.keys(), ...(conflict === undefined ? [] : [conflict])]
  return Math.min(other, ...forks.filter(version => version > same))
}

/** Whether what a peer says that it runs is this peer's class, whatever its name is at that version. */
export function isSameLineage(
  { log, lineage }: Readonly<PeerState>,
  { class: className, running }: Pick<Announcement, 'class' | 'running'>
): boolean {
  const theirs = findLineage(log, className, running.version)
  return theirs !== undefined && theirs.since === lineage?.since && theirs.className === lineage.className
}

/** Admitted peers that mean the same version by this number: what the others say of it enters no decision (R21, §6). */
export function peersAt(state: Readonly<PeerState>, version: number, now: Now): RosterEntry[] {
  return admittedPeers(state, now).filter(({ announcement }) => version < differsFrom(state, announcement))
}
