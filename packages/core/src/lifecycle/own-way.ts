import { supersederOf, wayTo } from '../version-log/version-log.js'
import type { PeerState } from './state.js'

/**
 * Keeps what the lineage says of this object's own way (§4): a version that a later one supersedes lies on it where it has run here, and is
 * stepped over otherwise. The phases tell which: `superseded` is what never ran, or was gone back from.
 */
export function followWay(state: PeerState): void {
  const { lineage, log, versions, joinedAt, running } = state
  if (lineage === undefined) return
  const ran: number[] = []
  for (let version = joinedAt; version <= Math.min(running, log.length); version++) {
    const isOwn = version === joinedAt || versions.get(version)?.phase !== 'superseded'
    if (isOwn && supersederOf(log, version) !== undefined) ran.push(version)
  }
  if (ran.join() === (lineage.ran ?? []).join()) return
  const { since, className } = lineage
  state.lineage = { since, className, ...(ran.length === 0 ? {} : { ran }) }
}

/** Whether this object came past the version without running it: nobody is served at it here (§4). */
export function isPassedOver({ log, lineage, running }: Readonly<PeerState>, version: number): boolean {
  return lineage !== undefined && version < running && !wayTo(log, lineage, running).includes(version)
}
