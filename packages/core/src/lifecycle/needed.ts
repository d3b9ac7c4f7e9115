import { durationWords } from '../descriptor/duration-words.js'
import { admittedPeers } from '../roster/roster.js'
import { classAt } from '../version-log/version-log.js'
import { bundlesOf } from './goal.js'
import { beforeIn } from './history.js'
import { isAlone } from './join.js'
import type { Now } from './input.js'
import { stayingStates } from './old-states.js'
import type { PeerState } from './state.js'

/** What must stay of the bundles: every one, or these; and why it is no fewer, as a part of a sentence for the operator. */
export interface NeededBundles {
  readonly bundles: ReadonlySet<string> | 'all'
  readonly because: string
}

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
export function neededBundles(state: Readonly<PeerState>, now: Now): NeededBundles {
  const { lineage, log, trusted, host } = state
  const unsure = whyUnsure(state, now)
  if (unsure !== undefined) return { bundles: 'all', because: unsure }
  if (lineage === undefined || state.config.archive)
    return { bundles: 'all', because: 'this peer is an archive: it keeps every bundle' }
  const [first, ...others] = [...ownFloors(state), ...stateFloors(state, now), ...admittedFloors(state, now)]
  const lowest = others.reduce((low, each) => (each.version < low.version ? each : low), first)
  const from = classAt(log, lineage, Math.max(lowest.version, lineage.since)).codeVersion
  const needed = new Set<string>()
  for (const history of [log, trusted])
    for (const { version, descriptor } of history)
      if (version >= from) for (const { bundle } of descriptor.classes) needed.add(bundle)
  for (const plan of [host.plan, host.switching?.plan])
    if (plan !== undefined) for (const bundle of bundlesOf(plan)) needed.add(bundle)
  return { bundles: needed, because: `everything from version ${from} on stays: ${lowest.because}` }
}

/** Who knows too little of himself or of the others throws nothing away. */
function whyUnsure(state: Readonly<PeerState>, now: Now): string | undefined {
  if (state.damage !== undefined) return state.damage
  if (!state.started || state.lineage === undefined) return 'this peer has not joined its network yet'
  if (!state.synced && now.monoMs - state.startedMonoMs < patienceMs(state, now)) return unanswered(state, now)
  if (state.oldStates === undefined) return 'its host has not said yet which old states there are'
  return undefined
}

/** So long a peer that knows others waits for one of them to answer. */
const unansweredMs = 86_400_000

/**
 * How long a peer that nobody has answered keeps everything. Floors only grow, so what it had heard of the others before its start is then no
 * less than what they still need; who names no other, and has never heard of one that counts, waits only as long as one that runs is silent at most.
 */
function patienceMs(state: Readonly<PeerState>, now: Now): number {
  const knowsNobody = isAlone(state) && admittedPeers(state, now).length === 0
  return knowsNobody ? state.config.timing.unreachableAfterMs : unansweredMs
}

function unanswered(state: Readonly<PeerState>, now: Now): string {
  const words = durationWords(patienceMs(state, now))
  return `this peer has not compared what it knows with another one since its start; unanswered for ${words}, it goes by what it knows`
}

/** A version that somebody may still run, and who. */
interface Floor {
  readonly version: number
  readonly because: string
}

function ownFloors(state: Readonly<PeerState>): [Floor, ...Floor[]] {
  const { running, lowest, host, joinedAt } = state
  const floor = (version: number, because: string): Floor => ({ version, because })
  return [
    floor(running, `this peer runs version ${running}`),
    floor(lowest, `this peer serves calls of version ${lowest}`),
    ...(running > joinedAt ? [beforeIn(state, running)] : []).map(each =>
      floor(each, `version ${each} is what this peer ran before`)
    ),
    ...[host.goal, host.switching?.goal].flatMap(goal =>
      goal === undefined
        ? []
        : [goal.object, goal.low].map(each => floor(each, `the host of this peer has to do with version ${each}`))
    ),
    ...(host.stateVersion === undefined ? [] : [host.stateVersion]).map(each =>
      floor(each, `its state is of version ${each}`)
    )
  ]
}

function stateFloors(state: Readonly<PeerState>, now: Now): Floor[] {
  return stayingStates(state, now.wallMs).map(({ version }) => ({
    version,
    because: `the kept state of version ${version} can be restored`
  }))
}

function admittedFloors(state: Readonly<PeerState>, now: Now): Floor[] {
  return admittedPeers(state, now).map(({ announcement: { peer, floor } }) => ({
    version: floor,
    because: `peer ${peer}, by what is last known of it, may still run version ${floor}`
  }))
}
