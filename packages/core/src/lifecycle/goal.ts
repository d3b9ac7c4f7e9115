import { invariant } from '../errors.js'
import type { ClassUpgrade } from '../descriptor/descriptor.js'
import { canStand } from '../host-plan/can-stand.js'
import {
  codeOfPlan,
  type HostPlan,
  type ObjectPlan,
  type ReverseStep,
  type SimulationModel,
  type SimulationPlan,
  type UpgradeStep,
  type WayBack
} from '../host-plan/host-plan.js'
import {
  chainIdPrefix,
  classAt,
  upgradeAt,
  versionBefore,
  wayTo,
  type ClassAt,
  type Lineage
} from '../version-log/version-log.js'
import { beforeIn } from './history.js'
import { isSwitching, occupiesLimit, type Phase } from './phase.js'
import type { Goal } from './host-state.js'
import type { PeerState } from './state.js'

/**
 * What the host should serve, given the phases: the one place where phases become a plan. A version is taken in when it is being
 * introduced, one at a time, so that a plan that fails names the version to blame.
 */
export function desiredGoal(state: PeerState): Goal | undefined {
  const lineage = state.lineage
  if (lineage === undefined) return undefined
  const object = objectVersion(state)
  let high = Math.max(object, state.running)
  for (const version of versionsAbove(state, high)) {
    const phase = state.versions.get(version)?.phase
    if (phase === 'superseded') continue
    if (phase === undefined || !inPlan(phase)) break
    if (phase === 'introducing' && state.foreign.has(version)) break
    if (!isServableBefore(state, lineage, version, object)) break
    high = version
    if (phase === 'introducing' && (state.host.goal === undefined || state.host.goal.high < version)) break
  }
  return { ...goalAt(state, object), high, goBack: object < state.running }
}

/** This version running, with as much as can be served below it. */
export function goalAt(state: PeerState, object: number): Goal {
  const low =
    state.lineage === undefined ? object : Math.max(state.lowest, lowestServable(state, state.lineage, object))
  return { object, high: object, low, goBack: false }
}

function objectVersion(state: PeerState): number {
  const switching = [...state.versions.values()].filter(({ phase }) => isSwitching(phase))
  // §4: what repairs a version is gone to from where its way back fails.
  const next = switching.find(({ version }) => version > state.running)
  if (next !== undefined) return next.version
  const left = switching.find(({ phase }) => phase === 'goingBack')
  // P2: where the way back fails it is tried from a host that serves, which has to be there first.
  if (left === undefined || (left.attempt > 0 && state.host.status === 'down')) return state.running
  return beforeIn(state, left.version)
}

function inPlan(phase: Phase): boolean {
  return (
    phase === 'introducing' ||
    phase === 'probation' ||
    phase === 'introduced' ||
    phase === 'waiting' ||
    isSwitching(phase)
  )
}

function* versionsAbove(state: PeerState, version: number): Generator<number> {
  for (let v = version + 1; v <= state.log.length; v++) yield v
}

/** The next version to upgrade to: in order, superseded ones skipped (R4). */
export function nextVersion(state: PeerState): number | undefined {
  for (const version of versionsAbove(state, state.running)) {
    if (state.versions.get(version)?.phase !== 'superseded') return version
  }
  return undefined
}

/**
 * Whether a version can be served on an object of an older one: each contract in between and its own needs a future SO that its chain
 * keeps true (§7). Past SOs come first: an older version is not given up for a newer one (P2).
 */
export function isServableBefore(
  state: PeerState,
  lineage: Lineage,
  version: number,
  object: number = state.running
): boolean {
  return futureUpgrades(state, lineage, object, version).endsBefore === undefined
}

/** How far down an object of this version can serve: each older contract needs a past SO, and a chain that keeps it true. */
function lowestServable(state: PeerState, lineage: Lineage, object: number): number {
  const models: SimulationModel[] = []
  for (const v of wayTo(state.log, lineage, object).toReversed()) {
    const upgrade = upgradeAt(state.log, lineage, v)
    if (v === lineage.since || upgrade === undefined || upgrade.compatible) continue
    if (upgrade.past === undefined || !canStand(upgrade.past, models, [])) return v
    models.push(upgrade.past)
  }
  return lineage.since
}

/** The models of the past SOs that an object of this version serves with, nearest first. */
function pastModels(state: PeerState, lineage: Lineage, object: number): SimulationModel[] {
  const low = Math.max(state.lowest, lowestServable(state, lineage, object))
  return pastUpgrades(state, lineage, object, low).map(each => each.upgrade.past)
}

/** The plan of a goal. Its number is the caller's: two plans that differ in nothing else are one. */
export function planOf(state: PeerState, goal: Goal, plan: number): HostPlan {
  const lineage = state.lineage
  invariant(lineage !== undefined, 'a peer that has not joined has no plan')
  const object = classAt(state.log, lineage, goal.object)
  const wayBack = wayBackOf(state, lineage, object)
  return {
    format: 1,
    plan,
    className: object.className,
    object: objectPlan(state, object),
    past: pastPlans(state, lineage, goal),
    future: futurePlans(state, lineage, goal),
    steps: upgradeSteps(state, lineage, goal.object),
    ...(goal.goBack ? wayBackFrom(state, lineage, object) : { goBack: undefined }),
    ...(wayBack === undefined ? {} : { wayBack }),
    durability: object.upgrade.durability,
    limits: {
      loadMs: state.config.timing.loadMs,
      drainMs: state.config.timing.drainMs,
      transformMs: state.config.timing.transformMs,
      heapMiB: state.config.timing.heapMiB
    }
  }
}

/** What the host is to be right after an upgrade to this version, with its way back: what a rehearsal tries. */
export function upgradePlanOf(state: PeerState, version: number): HostPlan {
  const { lineage } = state
  invariant(lineage !== undefined, 'a peer that has not joined has no plan')
  const low = Math.max(state.lowest, lowestServable(state, lineage, version))
  const plan = planOf(state, { object: version, high: version, low, goBack: false }, 0)
  const wayBack = wayBackTo(state, lineage, classAt(state.log, lineage, version))
  return wayBack === undefined ? plan : { ...plan, wayBack }
}

function objectPlan(state: PeerState, { codeVersion, revision, upgrade }: ClassAt): ObjectPlan {
  const chainId = chainIdPrefix(state.log, codeVersion) ?? ''
  return { version: codeVersion, chainId, revision, bundle: upgrade.bundle, entry: upgrade.entry }
}

function wayBackFrom(state: PeerState, lineage: Lineage, to: ClassAt): Pick<HostPlan, 'goBack' | 'reverse'> {
  const from = classAt(state.log, lineage, state.running)
  const { back } = from.upgrade
  if (back === 'none') return { goBack: undefined }
  return back === 'transform' ? { goBack: back, reverse: [reverseStep(state, from, to)] } : { goBack: back }
}

/** What the host of an object at one version has to be to have gone back to the version before by a reverse transform. */
export function planBack(state: PeerState, version: number, before: number): HostPlan {
  const { lineage, log } = state
  invariant(lineage !== undefined, 'a peer that has not joined has no plan')
  const low = Math.min(before, Math.max(state.lowest, lineage.since))
  const old = planOf(state, { object: before, high: before, low, goBack: false }, 0)
  const reverse = [reverseStep(state, classAt(log, lineage, version), classAt(log, lineage, before))]
  return { ...old, future: [], steps: [], goBack: 'transform', reverse }
}

/** The step that takes back the one from `to` to `from`. */
function reverseStep({ log }: Readonly<PeerState>, from: ClassAt, to: ClassAt): ReverseStep {
  const { bundle, entry } = from.upgrade
  return {
    from: from.codeVersion,
    to: to.codeVersion,
    chainId: chainIdPrefix(log, to.codeVersion) ?? '',
    fromRevision: from.revision,
    toRevision: to.revision,
    bundle,
    entry
  }
}

/** Only while the object is on trial, is about to be, or is being left. */
function wayBackOf(state: PeerState, lineage: Lineage, object: ClassAt): WayBack | undefined {
  const phase = state.versions.get(object.codeVersion)?.phase
  if (phase === undefined || !occupiesLimit(phase)) return undefined
  return wayBackTo(state, lineage, object)
}

function wayBackTo(state: PeerState, lineage: Lineage, { codeVersion, upgrade }: ClassAt): WayBack | undefined {
  if (upgrade.back === 'none') return undefined
  if (upgrade.back === 'transform') return { by: 'transform' }
  const before = classAt(state.log, lineage, beforeIn(state, codeVersion))
  if (upgrade.back === 'copy') return { by: 'copy', to: before.codeVersion }
  return { by: 'exact', object: objectPlan(state, before) }
}

function pastPlans(state: PeerState, lineage: Lineage, goal: Goal): SimulationPlan[] {
  return pastUpgrades(state, lineage, goal.object, goal.low).map(({ version, upgrade }) => ({
    revision: classAt(state.log, lineage, versionBefore(state.log, lineage, version)).revision,
    model: upgrade.past,
    bundle: upgrade.bundle,
    entry: upgrade.entry
  }))
}

function futurePlans(state: PeerState, lineage: Lineage, goal: Goal): SimulationPlan[] {
  return futureUpgrades(state, lineage, goal.object, goal.high).found.map(({ version, upgrade }) => ({
    revision: version,
    model: upgrade.future,
    bundle: upgrade.bundle,
    entry: upgrade.entry
  }))
}

interface Simulated<Side extends 'past' | 'future'> {
  readonly version: number
  readonly upgrade: ClassUpgrade & { readonly [S in Side]: SimulationModel }
}

/** The upgrades below an object whose past SOs serve down to `low`, nearest first. */
function pastUpgrades(state: PeerState, lineage: Lineage, object: number, low: number): Array<Simulated<'past'>> {
  const found: Array<Simulated<'past'>> = []
  for (const version of wayTo(state.log, lineage, object).toReversed()) {
    if (version <= low || version === lineage.since) break
    const upgrade = upgradeAt(state.log, lineage, version)
    if (upgrade === undefined || upgrade.compatible) continue
    if (upgrade.past === undefined) break
    found.push({ version, upgrade: { ...upgrade, past: upgrade.past } })
  }
  return found
}

/** The upgrades above an object whose future SOs serve up to `high`, nearest first, and the first that cannot be served, if one cannot. */
function futureUpgrades(
  state: PeerState,
  lineage: Lineage,
  object: number,
  high: number
): { readonly found: ReadonlyArray<Simulated<'future'>>; readonly endsBefore: number | undefined } {
  const found: Array<Simulated<'future'>> = []
  const across = pastModels(state, lineage, object)
  for (let version = object + 1; version <= high; version++) {
    if (state.versions.get(version)?.phase === 'superseded') continue
    const upgrade = upgradeAt(state.log, lineage, version)
    if (upgrade === undefined || upgrade.compatible) continue
    const inner = found.map(each => each.upgrade.future)
    if (upgrade.future === undefined || !canStand(upgrade.future, inner, across)) return { found, endsBefore: version }
    found.push({ version, upgrade: { ...upgrade, future: upgrade.future } })
  }
  return { found, endsBefore: undefined }
}

/** The code changes that lead from where this object began to its version; the host walks those that its state has not seen. */
function upgradeSteps(state: PeerState, lineage: Lineage, object: number): UpgradeStep[] {
  const steps: UpgradeStep[] = []
  let before = classAt(state.log, lineage, state.joinedAt)
  for (const v of wayTo(state.log, lineage, object)) {
    if (v <= state.joinedAt) continue
    const upgrade = upgradeAt(state.log, lineage, v)
    if (upgrade === undefined) continue
    const after = classAt(state.log, lineage, v)
    steps.push({
      from: before.codeVersion,
      to: v,
      chainId: chainIdPrefix(state.log, v) ?? '',
      fromRevision: before.revision,
      toRevision: after.revision,
      transform: upgrade.transform,
      bundle: upgrade.bundle,
      entry: upgrade.entry
    })
    before = after
  }
  // Only the code that may still have to run is listed: what lies behind a committed object never runs again.
  const current = classAt(state.log, lineage, state.running).codeVersion
  return steps.filter(
    step => step.to > current || (state.host.stateVersion !== undefined && step.to > state.host.stateVersion)
  )
}

/** Whether two plans describe the same host, whatever their numbers. */
export function isSameHost(a: HostPlan, b: HostPlan): boolean {
  const shape = (plan: HostPlan): string =>
    JSON.stringify([plan.object, plan.past, plan.future, plan.goBack, plan.wayBack, plan.durability])
  return shape(a) === shape(b)
}

/** Every bundle that a plan loads. */
export function bundlesOf(plan: HostPlan): string[] {
  return [...new Set(codeOfPlan(plan).map(each => each.bundle))]
}
