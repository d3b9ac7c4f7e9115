import { invariant } from '../errors.js'
import type { Admission } from '../roster/admission.js'
import { forget, observe, rejudge, type RosterEntry } from '../roster/roster.js'
import { announce } from './announce.js'
import { fetched } from './bundles.js'
import { cleaned, cleanUp } from './clean.js'
import type { Effect } from './effect.js'
import { catchUp } from './catch-up.js'
import { decide, followTrusted, learnVersions, trustVersion } from './history.js'
import { driveHost, hostExited, simulationBuilt, switched, switchStage } from './host.js'
import { introduceVersions, rehearsed } from './introduce.js'
import type { Fact, Input, Outcome } from './input.js'
import { heardOperator } from './operator.js'
import { measured } from './preflight.js'
import { noteUse } from './quiet.js'
import { endRehearsals, stateRehearsed } from './rehearse-state.js'
import { changePolicy } from './policy.js'
import { simulationFailed } from './simulation-failed.js'
import { followWay } from './own-way.js'
import { maybeJoin } from './join.js'
import { startBoot } from './start.js'
import type { PeerState } from './state.js'
import { applyStops, heedResumptions } from './stops.js'
import { driveProbes, probeAnswered } from './probe.js'
import { endTrials, heardHealth } from './trial.js'
import { unpark, watchCrashLoop } from './supervise.js'
import { walkRehearsed } from './walk.js'
import { beginTurn, wakeAtMono, wakeAtWall, type Turn } from './turn.js'
import { retireVersions } from './retire.js'
import { decideUpgrade, scheduleEvaluated } from './upgrade.js'

/** What one input leads to. */
export interface Step {
  readonly state: PeerState
  /** In this order; `persist` comes first and is on disk before the others start (§11). */
  readonly effects: readonly Effect[]
}

/**
 * The whole life of a peer (§11): takes one input, answers with what is to be done. Synchronous and deterministic: the same inputs
 * give the same effects. Consumes the state: go on with the one that is returned.
 *
 * Inputs with unknown or old effect ids change nothing; an input that contradicts what the core was told before is a mistake of the
 * shell and throws {@link InvariantViolation}.
 */
export function step(state: PeerState, input: Input): Step {
  const turn = beginTurn(state, input.now)
  hear(turn, input)
  noticeAdmissions(turn)
  if (state.started) advance(turn)
  const persist: Effect[] = turn.entries.length === 0 ? [] : [{ effect: 'persist', entries: turn.entries }]
  const wake: Effect[] = Number.isFinite(turn.wakeMonoMs)
    ? [{ effect: 'wake', afterMs: Math.max(0, Math.ceil(turn.wakeMonoMs - input.now.monoMs)) }]
    : []
  return { state, effects: [...persist, ...turn.effects, ...wake] }
}

/** The rules, in the order of an upgrade's journey. Each moves versions as far as they can go now. */
function advance(turn: Turn): void {
  followTrusted(turn)
  maybeJoin(turn)
  if (turn.state.lineage === undefined || turn.state.damage !== undefined) return
  beginLook(turn)
  const isWalking = catchUp(turn)
  if (!isWalking) {
    introduceVersions(turn)
    decideUpgrade(turn)
  }
  driveHost(turn)
  endTrials(turn)
  retireVersions(turn)
  // What the host has just reached may let a version go on; what was retired leaves the plan.
  beginLook(turn)
  if (!isWalking) introduceVersions(turn)
  driveHost(turn)
  driveProbes(turn)
  watchCrashLoop(turn)
  cleanUp(turn)
  announce(turn)
  wakeAtMono(turn, turn.now.monoMs + turn.state.config.timing.lookEveryMs)
}

/** What there is, and what must not go on (P1): before anything is begun, whatever the input was. */
function beginLook(turn: Turn): void {
  followTrusted(turn)
  learnVersions(turn)
  heedResumptions(turn)
  applyStops(turn)
  followWay(turn.state)
  endRehearsals(turn)
}

function hear(turn: Turn, fact: Fact): void {
  const { state } = turn
  switch (fact.fact) {
    case 'start':
      invariant(!state.started, 'a peer is started once per boot')
      return startBoot(turn, fact)
    case 'versionTrusted':
      trustVersion(state, fact.descriptor)
      if (!state.started) state.log = state.trusted
      return
    case 'freshUntil':
      state.freshUntilMs = fact.untilMs
      return
    case 'forked':
      // Also again: a later root may take back what one has decided.
      state.decided.delete(fact.version)
      state.frozen.add(fact.version)
      return
    case 'unforked':
      state.frozen.delete(fact.version)
      return
    case 'decided':
      decide(state, fact.version, fact.keep)
      if (!state.started) state.log = state.trusted
      return
    case 'halt':
      state.halted.set(fact.version, { unload: fact.unload, reason: fact.reason })
      state.resumed.delete(fact.version)
      return
    case 'resume':
      state.halted.delete(fact.version)
      state.resumed.set(fact.version, fact.order)
      return
    case 'announcement':
      return heardAnnouncement(turn, fact)
    case 'admissions':
      if (!rejudge(state.roster, fact.admissions)) return
      state.rosterRevision++
      for (const admission of fact.admissions.values()) expectChange(turn, admission)
      return
    case 'synced':
      state.synced = true
      return
    case 'operator':
      return heardOperator(turn, fact.word, fact.version)
    case 'policy':
      return changePolicy(turn, fact.set, fact.unset)
    case 'unpark':
      return unpark(turn)
    case 'used':
      return noteUse(turn, fact.version)
    case 'bundleLost':
      state.bundles.delete(fact.bundle)
      return
    case 'hostExited':
      return hostExited(turn, fact)
    case 'hostSpent':
      if (state.host.plan?.plan === fact.plan) state.host.isSpent = true
      return
    case 'simulationFailed':
      return simulationFailed(turn, fact)
    case 'simulationBuilt':
      return simulationBuilt(turn, fact.plan, fact.revision)
    case 'health':
      return heardHealth(turn, fact)
    case 'switchStage':
      return switchStage(turn, fact.id, fact.stage)
    case 'stateRehearsed': {
      const progress = state.versions.get(fact.version)
      if (progress !== undefined && fact.version > state.running) stateRehearsed(turn, progress, fact.outcome)
      return
    }
    case 'oldStates':
      state.oldStates = fact.states
      return
    case 'clean':
      state.clean.isAsked = true
      return
    case 'done':
      return done(turn, fact.id, fact.outcome)
    case 'tick':
      if (forget(state, turn.now)) state.rosterRevision++
  }
}

function heardAnnouncement(turn: Turn, fact: Extract<Fact, { fact: 'announcement' }>): void {
  const { state } = turn
  const { announcement, admission } = fact
  if (announcement.peer === state.config.peer) return
  const before = state.roster.get(announcement.peer)
  const entry = { announcement, heardMonoMs: turn.now.monoMs - fact.ageMs, admission }
  if (!observe(state.roster, entry)) return
  expectChange(turn, admission)
  if (readBySchedules(before) !== readBySchedules(entry)) state.rosterRevision++
}

/** Certificates begin and end by themselves: the schedules are asked again then. */
function expectChange({ state, now }: Turn, admission: Admission): void {
  if (admission.by !== 'certificate') return
  const next = [admission.fromMs, admission.untilMs].filter(each => each > now.wallMs)
  state.admissionChangesAtMs = Math.min(state.admissionChangesAtMs, ...next)
}

function noticeAdmissions(turn: Turn): void {
  const { state, now } = turn
  if (now.wallMs >= state.admissionChangesAtMs) {
    state.rosterRevision++
    state.admissionChangesAtMs = Number.POSITIVE_INFINITY
    for (const { admission } of state.roster.values()) expectChange(turn, admission)
  }
  if (Number.isFinite(state.admissionChangesAtMs)) wakeAtWall(turn, state.admissionChangesAtMs)
}

/** The part of a statement that decisions read; the rest may change without asking the schedules again. */
function readBySchedules(entry: Omit<RosterEntry, 'troubleMonoMs'> | undefined): string {
  // What strangers say is read by nobody, however often they say it.
  if (entry === undefined || entry.admission.by === 'nothing') return ''
  const { class: className, groups, running, floor, served, versions } = entry.announcement
  return JSON.stringify([
    className,
    groups,
    running,
    floor,
    served,
    versions.map(({ version, chainId, phase }) => [version, chainId, phase]),
    entry.admission
  ])
}

function done(turn: Turn, id: number, outcome: Outcome): void {
  const { state } = turn
  if (outcome.of === 'switchHost') {
    if (state.host.switching?.effect === id) switched(turn, outcome)
    return
  }
  if (outcome.of === 'fetchBundle') {
    const bundle = [...state.bundles.values()].find(each => each.effect === id)
    if (bundle !== undefined) fetched(turn, bundle, outcome)
    return
  }
  if (outcome.of === 'clean') return cleaned(turn, id)
  if (outcome.of === 'rehearseState') {
    const rehearsing = [...state.versions.values()].find(each => each.rehearsal.effect === id)
    if (rehearsing !== undefined) stateRehearsed(turn, rehearsing, outcome)
    return
  }
  if (outcome.of === 'probe') {
    const probed = [...state.versions.values()].find(each => each.probe.effect === id)
    if (probed !== undefined) probeAnswered(turn, probed, outcome)
    return
  }
  if (outcome.of === 'preflight') {
    if (state.machine.measuring === id) measured(turn, outcome.facts)
    return
  }
  if (outcome.of === 'rehearse' && state.walk?.effect === id) return walkRehearsed(turn, state.walk, outcome)
  const progress = [...state.versions.values()].find(each => each.effect === id)
  if (progress === undefined) return
  if (outcome.of === 'evaluateSchedule') scheduleEvaluated(turn, progress, outcome)
  else rehearsed(turn, progress, outcome)
}
