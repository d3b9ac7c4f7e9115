import { namePeers, occupiesLimit, type PeerFacts, type ScheduleDecision, type ScheduleInputs } from '@instar/core'

const lookAgainMs = 60_000

/**
 * At most `maxUnavailable` members of a group away at once, in the order of their peer ids, as far as announcements tell.
 *
 * A peer goes when those that are away now, and those before it in the order that can still go, leave it a place. A peer that is away
 * and silent stays counted: "upgrading" is never taken for "failed" (R18). One that is merely unreachable and has not begun gives up
 * its turn until it is back. This spreads peers out; it is not a safety limit (R17), which slots keep.
 */
export function rolling(
  { maxUnavailable, group }: { maxUnavailable: number; group?: string | undefined },
  inputs: ScheduleInputs
): ScheduleDecision {
  const { self, peers, nowMs, version } = inputs
  if (group !== undefined && !self.groups.includes(group)) {
    return { decision: 'upgrade', reason: `rolling: this peer is not in group ${group}` }
  }
  const members = peers.filter(each => group === undefined || each.groups.includes(group))
  const others = members.filter(each => each.peer !== self.peer)
  const away = others.filter(each => each.phase !== undefined && occupiesLimit(each.phase))
  const before = others.filter(each => each.peer < self.peer && canStillGo(each, version) && !away.includes(each))
  const taken = away.length + before.length
  if (taken < maxUnavailable)
    return { decision: 'upgrade', reason: `rolling: ${taken} of ${maxUnavailable} places are taken` }
  const waitsFor = (away.length > 0 ? away : before).map(each => each.peer)
  return {
    decision: 'wait',
    reason: `rolling: ${maxUnavailable} at once, and ${waitsFor.length} ${away.length > 0 ? 'upgrading' : 'before this one'} (${namePeers(waitsFor)})`,
    lookAgainAtMs: nowMs + lookAgainMs
  }
}

/** Whether a peer has the upgrade still before it and will take its turn. */
function canStillGo(each: PeerFacts, version: number): boolean {
  return (
    each.reachable &&
    each.running < version &&
    each.phase !== 'failed' &&
    each.phase !== 'introduceFailed' &&
    each.phase !== 'wentBack'
  )
}
