import { admittedPeers } from '../roster/roster.js'
import { classAt } from '../version-log/version-log.js'
import { bundlesOf } from './goal.js'
import { beforeIn } from './history.js'
import type { Now } from './input.js'
import { stayingStates } from './old-states.js'
import type { PeerState } from './state.js'

/**
 * The bundles that this peer must not do without (§14), or that it must keep all: everything from the code on that the lowest of them runs
 * whom it may have to help, itself included.
 *
 * - itself: what runs, what a trial or a failed switch leads back to, what is served of older versions, what its state names, and the
 *   states that the operator can restore; from there upwards it may have to walk every version again;
 * - every admitted peer by its last known floor, silent ones too: it may have to fetch each version above from here.
 *
 * What was superseded stays as long as that range reaches it: a peer may run it, and a later decision of the root may bring it back.
 */
export function neededBundles(state: Readonly<PeerState>, now: Now): ReadonlySet<string> | 'all' {
  const { lineage, log, trusted, host } = state
  // Who knows too little of himself or of the others throws nothing away.
  const isSure = state.started && state.synced && state.damage === undefined && state.oldStates !== undefined
  if (lineage === undefined || !isSure || state.config.archive) return 'all'
  const floor = Math.min(
    ...ownFloors(state),
    ...stayingStates(state, now.wallMs).map(each => each.version),
    ...admittedFloors(state, now)
  )
  const from = classAt(log, lineage, Math.max(floor, lineage.since)).codeVersion
  const needed = new Set<string>()
  for (const history of [log, trusted])
    for (const { version, descriptor } of history)
      if (version >= from) for (const { bundle } of descriptor.classes) needed.add(bundle)
  for (const plan of [host.plan, host.switching?.plan])
    if (plan !== undefined) for (const bundle of bundlesOf(plan)) needed.add(bundle)
  return needed
}

function ownFloors(state: Readonly<PeerState>): number[] {
  const { running, lowest, host, joinedAt } = state
  const goals = [host.goal, host.switching?.goal].flatMap(goal => (goal === undefined ? [] : [goal.object, goal.low]))
  const stateVersion = host.stateVersion === undefined ? [] : [host.stateVersion]
  const before = running > joinedAt ? [beforeIn(state, running)] : []
  return [running, lowest, ...before, ...goals, ...stateVersion]
}

function admittedFloors(state: Readonly<PeerState>, now: Now): number[] {
  return admittedPeers(state, now).map(({ announcement }) => announcement.floor)
}
