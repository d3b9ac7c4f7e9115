import type { ClassUpgrade } from '../descriptor/descriptor.js'
import { open, type GateState } from '../gates/gate.js'
import { healthGate } from '../gates/health-gate.js'
import { limitGate } from '../gates/limit-gate.js'
import { isPastStrategy, policyGate, strategyGate } from '../gates/schedule-gate.js'
import { trustGate } from '../gates/trust-gate.js'
import { isSameLineage, peersAt } from '../roster/same-history.js'
import { chainIdPrefix, upgradeAt } from '../version-log/version-log.js'
import { wantBundle } from './bundles.js'
import { goalAt, planOf } from './goal.js'
import type { Now } from './input.js'
import { preflight } from './preflight.js'
import { comparePhases, isStopped, isSwitching, isTrouble } from './phase.js'
import { isAlone } from './join.js'
import { isLooping } from './supervise.js'
import type { PeerState, VersionProgress, Walk } from './state.js'
import { nextEffectId, progressOf, setPhase, wakeAtMono, type Turn } from './turn.js'
import { keepEvaluated } from './upgrade.js'

// A peer that was away takes the versions that the others have committed meanwhile in one *walk* (§14): one rehearsal, one switch under one
// slot, and only the last version on trial. What a version would have to show here by itself, that its code serves and that its trial goes
// well, its commits elsewhere stand for. A walk only saves time: what speaks against a version ends the walk before it, and a walk that fails
// is given up for taking the versions one by one, where each finds and says its own reason. So nothing is ever tried in a loop here.

/** More than these take another walk: a plan names the code of every step. */
const stepsMax = 64
/** Share of the other peers of the class that have to have committed a version; at least one of them (R21: unknown means not yet). */
const committedShare = 0.5

/** Takes the next versions in one walk, where they can be. True: they are not introduced and upgraded to one by one meanwhile. */
export function catchUp(turn: Turn): boolean {
  const { state } = turn
  settlePassed(turn)
  if (state.singly !== undefined && state.running >= state.singly.last) state.singly = undefined
  if (isUnderWay(state)) return state.walk?.isBegun === true && state.running === state.walk.from
  const to = state.lineage === undefined ? undefined : destination(turn)
  if (to === undefined) {
    giveUp(turn)
    return false
  }
  if (isStillAsking(turn)) {
    progressOf(state, to).reason = 'it asks the others how far they are before it follows them'
    return true
  }
  const walk = state.walk?.to === to && state.walk.from === state.running ? state.walk : begin(turn, to)
  const waitsFor = prepare(turn, walk)
  const last = progressOf(state, to)
  if (waitsFor !== undefined) last.reason = waitsFor
  else if (state.host.switching === undefined && (state.host.status === 'up' || isLooping(turn))) {
    walk.isBegun = true
    turn.entries.push({ type: 'walk', from: walk.from, version: to, chainId: chainIdPrefix(state.log, to) ?? '' })
    setPhase(turn, to, 'preparing')
  }
  return true
}

/** What a walk still needs before its switch, in words. */
function prepare(turn: Turn, walk: Walk): string | undefined {
  const { state, now } = turn
  const steps = stepsTo(state, walk.to)
  for (const { progress } of steps) progress.reason = `it is taken on the way to version ${walk.to}, in one switch`
  // All at once: they do not wait for each other to be loaded.
  const missing = steps.filter(each => wantBundle(turn, each.upgrade.bundle).status !== 'ready')
  if (missing.length > 0) return `${missing.length} of the ${steps.length} bundles on the way to it are being fetched`
  const checked = steps.map(each => preflight(turn, each.progress, 'upgrade'))
  const lacking = checked.find(each => typeof each === 'object')
  if (lacking !== undefined) return lacking.lacks
  if (checked.includes('asked')) return 'its machine is being looked at'
  if (!walk.isRehearsed) {
    if (now.monoMs < walk.retryMonoMs) wakeAtMono(turn, walk.retryMonoMs)
    else if (walk.effect === undefined) rehearse(turn, walk)
    return `the ${steps.length} upgrades on the way to it are tried in a scratch host`
  }
  const gates = [
    ...steps.map(({ progress, upgrade }) => timeGate(state, progress, upgrade, now)),
    limitGate(state, walk.to)
  ]
  return gates.find(each => !each.open)?.reason
}

/** From where a switch or a trial is under way nothing else begins (§4). */
function isUnderWay({ versions, running }: PeerState): boolean {
  return versions.get(running)?.phase === 'trial' || [...versions.values()].some(each => isSwitching(each.phase))
}

/** So long who has just come back waits for somebody to say how far the others are; then it goes by what it had heard, or was brought. */
const answerMs = 10_000

function isStillAsking(turn: Turn): boolean {
  const { state, now } = turn
  if (state.synced || isAlone(state) || now.monoMs - state.startedMonoMs >= answerMs) return false
  wakeAtMono(turn, state.startedMonoMs + answerMs)
  return true
}

interface Step {
  readonly progress: VersionProgress
  readonly upgrade: ClassUpgrade
}

/** The versions above the running one that change its class, up to this one; superseded ones are stepped over (R4). */
function stepsTo(state: PeerState, to: number): Step[] {
  const steps: Step[] = []
  for (let version = state.running + 1; version <= to; version++) {
    const progress = state.versions.get(version)
    const upgrade = state.lineage === undefined ? undefined : upgradeAt(state.log, state.lineage, version)
    if (progress === undefined || progress.phase === 'superseded' || upgrade === undefined) continue
    steps.push({ progress, upgrade })
  }
  return steps
}

/** The version that a walk leads to now; undefined where nothing is to be gained from one. */
function destination(turn: Turn): number | undefined {
  const { state } = turn
  let end = state.running
  for (let version = state.running + 1; version <= state.log.length; version++) {
    const progress = state.versions.get(version)
    if (progress?.phase === 'superseded') continue
    if (progress === undefined || !canBeWalked(turn, progress)) break
    end = version
  }
  // What is being tried already is taken first: others may follow in a walk of their own.
  const { walk } = state
  const isTried = walk !== undefined && (walk.isRehearsed || walk.effect !== undefined)
  if (isTried && walk.from === state.running && walk.to <= end) return walk.to
  const steps = stepsTo(state, end).slice(0, stepsMax)
  while (steps.length > 1 && !keepsPromise(steps.map(each => each.upgrade.back))) steps.pop()
  return steps.length > 1 ? steps.at(-1)?.progress.version : undefined
}

/**
 * R22: a walk goes back to where it began, and only as a whole. So its weakest step says what going back loses, and that must not be more than
 * its last version promises, whose trial it is.
 */
function keepsPromise(backs: ReadonlyArray<ClassUpgrade['back']>): boolean {
  switch (backs.at(-1)) {
    case 'none':
      return true
    case 'copy':
      return !backs.includes('none')
    case 'exact':
      return backs.every(each => each === 'exact')
    default:
      return false
  }
}

/** Whatever keeps a version from being taken here keeps it in its own name, where everybody looks for the reason. */
function canBeWalked(turn: Turn, progress: VersionProgress): boolean {
  const { state, now } = turn
  const { version, phase } = progress
  const { singly } = state
  if (singly !== undefined && version >= singly.first && version <= singly.last) return false
  if (isTrouble(phase) || isStopped(phase) || phase === 'withdrawn') return false
  // What its machine lacked for it is asked again until it is there.
  if (typeof preflight(turn, progress, progress.lack === undefined ? 'fetch' : 'upgrade') === 'object') return false
  const upgrade = state.lineage === undefined ? undefined : upgradeAt(state.log, state.lineage, version)
  const gates = [
    trustGate(state, version, now),
    healthGate(state, version, now),
    policyGate(state, progress, upgrade?.schedule, now)
  ]
  if (gates.some(each => !each.open) || !isCommittedElsewhere(state, version, now)) return false
  if (upgrade === undefined) return true
  const bundle = state.bundles.get(upgrade.bundle)
  if (bundle !== undefined && bundle.status !== 'ready' && bundle.attempt > 0) return false
  keepEvaluated(turn, progress)
  // A place in a row comes by itself; an operator's word, or a date, is waited for in the version's own name.
  const isRow = upgrade.schedule.strategy.type === 'rolling'
  return isRow || progress.schedule?.decision !== 'wait' || timeGate(state, progress, upgrade, now).open
}

function isCommittedElsewhere(state: PeerState, version: number, now: Now): boolean {
  const others = peersAt(state, version, now).filter(({ announcement }) => isSameLineage(state, announcement))
  const committed = others.filter(({ announcement }) => announcement.floor >= version).length
  return committed >= Math.max(1, committedShare * others.length)
}

/** The schedule gate but for one question: whether everybody serves the version was asked before the first of them upgraded to it (§1). */
function timeGate(state: PeerState, progress: VersionProgress, { schedule }: ClassUpgrade, now: Now): GateState {
  return isPastStrategy(state, progress, schedule, now) ? open : strategyGate(state, progress)
}

function begin(turn: Turn, to: number): Walk {
  const { state } = turn
  giveUp(turn)
  const walk: Walk = {
    from: state.running,
    to,
    isBegun: false,
    isRehearsed: false,
    effect: undefined,
    attempt: 0,
    retryMonoMs: 0
  }
  state.walk = walk
  for (const { version, phase, effect } of [...state.versions.values()]) {
    if (version <= state.running || version > to || comparePhases(phase, 'probation') >= 0) continue
    const highest = Math.max(state.host.goal?.high ?? 0, state.host.switching?.goal.high ?? 0)
    if (phase === 'introducing' && version <= highest) continue
    // What it has begun for itself is part of the walk.
    if (phase === 'rehearsing' && effect !== undefined) {
      turn.effects.push({ effect: 'cancelRehearsal', id: effect })
      progressOf(state, version).effect = undefined
    }
    setPhase(turn, version, 'known')
  }
  return walk
}

/** Nothing has moved yet. */
function giveUp(turn: Turn): void {
  const { state } = turn
  const { walk } = state
  if (walk === undefined) return
  if (walk.effect !== undefined) turn.effects.push({ effect: 'cancelRehearsal', id: walk.effect })
  for (const { progress } of stepsTo(state, walk.to)) if (progress.phase === 'known') progress.reason = undefined
  state.walk = undefined
}

function rehearse(turn: Turn, walk: Walk): void {
  const { state } = turn
  walk.effect = nextEffectId(turn)
  turn.effects.push({
    effect: 'rehearse',
    id: walk.effect,
    version: walk.to,
    // On one empty state: what runs now, and then all the steps in one go.
    plans: [
      planOf(state, { object: walk.from, high: walk.from, low: walk.from, goBack: false }, 0),
      planOf(state, goalAt(state, walk.to), 0)
    ]
  })
}

/** Versions that were walked through share the fate of the one that the walk led to: they are committed with it. */
function settlePassed(turn: Turn): void {
  const { state } = turn
  const phase = state.versions.get(state.running)?.phase
  if (phase === 'trial' || phase === 'goingBack') return
  for (const passed of [...state.versions.values()]) {
    if (passed.version < state.running && comparePhases(passed.phase, 'trial') < 0)
      setPhase(turn, passed.version, 'committed')
  }
}
