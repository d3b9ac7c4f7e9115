import { needsBelow, type Need, type Now, type PeerState } from '@instar/core'
import type { NeededVersion } from '../control/schema/status.js'
import type { CallerRecord } from '../rpc/caller-record.js'

/** A status is read by people. */
const shownMax = 10

/** The versions that are served although the object is past them, and who needs each of them still (§14). */
export function neededVersions(state: Readonly<PeerState>, now: Now, callers: CallerRecord): NeededVersion[] {
  return needsBelow(state, now).map(need => neededVersion(state, now, callers, need))
}

function neededVersion(state: Readonly<PeerState>, now: Now, record: CallerRecord, need: Need): NeededVersion {
  const { version, reason, peers, usedAtMs, quietLeftMs, notAfterMs } = need
  const callers = record.of(version)
  const classOf = (peer: string): { class?: string } => {
    const known = state.roster.get(peer)?.announcement.class
    return known === undefined ? {} : { class: known }
  }
  return {
    version,
    reason: reason ?? 'nobody needs it any more: it is being retired',
    peersCount: peers.length,
    peers: peers.slice(0, shownMax).map(({ peer, floor, countsUntilMs }) => ({
      peer,
      ...classOf(peer),
      floor,
      countsUntil: time(countsUntilMs)
    })),
    callersCount: callers.length,
    callers: callers.slice(0, shownMax).map(({ peer, lastMs }) => ({ peer, ...classOf(peer), last: time(lastMs) })),
    ...(usedAtMs === undefined ? {} : { lastUse: time(usedAtMs) }),
    ...(quietLeftMs === undefined ? {} : { quietUntil: time(now.wallMs + quietLeftMs) }),
    ...(notAfterMs === undefined ? {} : { retiredBy: time(notAfterMs) })
  }
}

function time(wallMs: number): string {
  return new Date(Math.round(wallMs)).toISOString()
}
