import { isTrouble, type Phase } from '../lifecycle/phase.js'
import type { Now } from '../lifecycle/input.js'
import type { PeerState } from '../lifecycle/state.js'
import { phaseAt } from '../roster/roster.js'
import { peersAt } from '../roster/same-history.js'
import { trialPolicy } from '../lifecycle/trial-policy.js'
import { closed, namePeers, open, type GateState } from './gate.js'

/** So few failures never stop anybody else. */
const abortCountMin = 2

const untried: ReadonlySet<Phase> = new Set<Phase>([
  'known',
  'fetching',
  'rehearsing',
  'superseded',
  'halted',
  'frozen',
  'diverged'
])

/**
 * Closes when enough distinct admitted peers announce that the version failed them (§1, R21): two at least, and the share of those that tried it
 * that its descriptor says (*abortPercent*). A failure of this peer's own closes it alone. What was heard before a signed `resume`, or the
 * operator's, does not count any more; a version that supersedes this one has a gate of its own.
 */
export function healthGate(state: PeerState, version: number, now: Now): GateState {
  const own = state.versions.get(version)
  if (own !== undefined && isTrouble(own.phase)) {
    const cause = own.cause ?? 'no cause is known'
    return closed('health', '§1', `version ${version} failed here (${own.phase}): ${cause}`, [state.config.peer])
  }
  const failed: string[] = []
  let tried = 0
  const forgivenMonoMs = state.heeded.get(version)?.monoMs ?? -Infinity
  for (const { announcement, troubleMonoMs } of peersAt(state, version, now)) {
    const phase = phaseAt(announcement, version)
    if (phase === undefined || untried.has(phase)) continue
    tried++
    if (isTrouble(phase) && (troubleMonoMs.get(version) ?? Infinity) > forgivenMonoMs) failed.push(announcement.peer)
  }
  const abortShare = trialPolicy(state, version).abortPercent / 100
  if (failed.length < Math.max(abortCountMin, abortShare * tried)) return open
  return closed(
    'health',
    '§1',
    `version ${version} failed at ${failed.length} of ${tried} peers that tried it (${namePeers(failed)})`,
    failed
  )
}
