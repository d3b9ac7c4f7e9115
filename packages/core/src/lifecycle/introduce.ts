import type { ClassUpgrade } from '../descriptor/descriptor.js'
import type { HostPlan } from '../host-plan/host-plan.js'
import { healthGate } from '../gates/health-gate.js'
import { trustGate } from '../gates/trust-gate.js'
import { supersederOf, upgradeAt } from '../version-log/version-log.js'
import { wantBundle } from './bundles.js'
import { backoffMs } from './config.js'
import { isServableBefore, planBack, planOf } from './goal.js'
import { beforeIn } from './history.js'
import type { LoadOutcome } from './input.js'
import type { PreflightStep } from './machine.js'
import { isSwitching } from './phase.js'
import { preflight } from './preflight.js'
import { waitForTurn } from './ramp.js'
import { isLooping } from './supervise.js'
import { isStuckGoingBack } from './trial.js'
import type { PeerState, VersionProgress } from './state.js'
import { nextEffectId, setPhase, wakeAtMono, type Turn } from './turn.js'

/**
 * Brings each pending version from `known` to `introduced` (§2): fetch, rehearse, wait for its turn, take it into the host plan, watch it on
 * probation. Versions go in order; one that fails stops those above it, which are chained behind it (R4).
 */
export function introduceVersions(turn: Turn): void {
  const { state } = turn
  for (let version = state.running + 1; version <= state.log.length; version++) {
    const progress = state.versions.get(version)
    if (progress === undefined) return
    if (progress.phase === 'superseded') continue
    introduce(turn, progress)
    if (!isSettledIntroduction(progress)) prefetchAbove(turn, version)
    if (!isSettledIntroduction(progress)) return
  }
}

function isSettledIntroduction(progress: VersionProgress): boolean {
  return (
    progress.phase !== 'known' &&
    progress.phase !== 'fetching' &&
    progress.phase !== 'rehearsing' &&
    progress.phase !== 'introducing' &&
    progress.phase !== 'probation' &&
    progress.phase !== 'introduceFailed' &&
    progress.phase !== 'withdrawn' &&
    progress.phase !== 'halted' &&
    progress.phase !== 'frozen'
  )
}

/** Bundles of versions further up may travel already: only loading code has to wait its turn. */
function prefetchAbove(turn: Turn, version: number): void {
  const { state } = turn
  for (let above = version + 1; above <= state.log.length; above++) {
    const upgrade = state.lineage === undefined ? undefined : upgradeAt(state.log, state.lineage, above)
    // What is stopped has a phase that says so.
    if (upgrade !== undefined && state.versions.get(above)?.phase === 'known') wantBundle(turn, upgrade.bundle)
  }
}

function introduce(turn: Turn, progress: VersionProgress): void {
  const { state, now } = turn
  if (state.lineage === undefined) return
  const { version } = progress
  const upgrade = upgradeAt(state.log, state.lineage, version)
  if (progress.phase === 'known') {
    if (!isClear(turn, progress, 'fetch')) return
    progress.isRehearsed = false
    progress.ramp = undefined
    setPhase(turn, version, upgrade === undefined ? 'introducing' : 'fetching')
  }
  if (progress.phase === 'fetching' && upgrade !== undefined) {
    const bundle = wantBundle(turn, upgrade.bundle)
    progress.reason =
      bundle.cause === undefined ? 'its bundle is being fetched' : `its bundle could not be fetched: ${bundle.cause}`
    if (bundle.status === 'ready')
      setPhase(turn, version, 'rehearsing', { reason: 'its bundle is loaded in a scratch host' })
  }
  if (progress.phase === 'rehearsing' && progress.effect === undefined) {
    if (progress.isRehearsed) maybeBegin(turn, progress, upgrade)
    else if (isUndecided(state, version)) progress.reason = 'a switch to what it supersedes is ending here'
    else if (now.monoMs >= progress.retryMonoMs) rehearse(turn, progress)
    else wakeAtMono(turn, progress.retryMonoMs)
  }
  if (progress.phase === 'introducing') {
    progress.reason = closedGate(turn, version) ?? pauseOfHost(turn)
    // Nothing of it runs before the upgrade: there is nothing to take into the plan or to watch.
    const isServable = isServableBefore(state, state.lineage, version) && !isLooping(turn) && !isStuckGoingBack(state)
    if (upgrade !== undefined && !isServable) setPhase(turn, version, 'introduced')
  }
  if (progress.phase === 'probation') watch(turn, progress, upgrade?.probationMs ?? 0)
}

/** Loading code needs open gates (P1), this peer's turn (§2b), and a machine that can take it. */
function maybeBegin(turn: Turn, progress: VersionProgress, upgrade: ClassUpgrade | undefined): void {
  if (turn.now.monoMs < progress.retryMonoMs) return wakeAtMono(turn, progress.retryMonoMs)
  const wait =
    closedGate(turn, progress.version) ?? (upgrade === undefined ? undefined : waitForTurn(turn, progress, upgrade))
  if (wait !== undefined) progress.reason = `its rehearsal went well: ${wait}`
  else if (isClear(turn, progress, 'introduce')) setPhase(turn, progress.version, 'introducing')
}

function closedGate({ state, now }: Turn, version: number): string | undefined {
  const gates = [trustGate(state, version, now), healthGate(state, version, now)]
  return gates.find(each => !each.open)?.reason
}

/** Whether the machine can take the next step; where it cannot, the version stays in its phase and says why (R18). */
function isClear(turn: Turn, progress: VersionProgress, step: PreflightStep): boolean {
  const checked = preflight(turn, progress, step)
  if (typeof checked === 'object') progress.reason = checked.lacks
  return checked === 'clear'
}

/** §4: which class upgrade leads to it depends on whether the switch that is being cancelled has arrived. */
function isUndecided({ versions, running, log }: PeerState, version: number): boolean {
  const between = [...versions.values()].filter(each => each.version > running && each.version < version)
  return between.some(each => isSwitching(each.phase) && supersederOf(log, each.version) !== undefined)
}

function rehearse(turn: Turn, progress: VersionProgress): void {
  const { state } = turn
  const { version } = progress
  const before = beforeIn(state, version)
  const old = planOf(state, { object: before, high: version, low: before, goBack: false }, 0)
  progress.effect = nextEffectId(turn)
  turn.effects.push({
    effect: 'rehearse',
    id: progress.effect,
    version,
    // On one empty state: the version before with this one in service beside it, the upgrade itself, and the way back where that is code.
    plans: [
      old,
      planOf(state, { object: version, high: version, low: before, goBack: false }, 0),
      ...reversed(state, version, before, old)
    ]
  })
}

function reversed(state: PeerState, version: number, before: number, old: HostPlan): readonly HostPlan[] {
  const { log, lineage } = state
  const isByCode = lineage !== undefined && upgradeAt(log, lineage, version)?.back === 'transform'
  return isByCode ? [{ ...planBack(state, version, before), past: old.past }] : []
}

export function rehearsed(turn: Turn, progress: VersionProgress, outcome: LoadOutcome): void {
  progress.effect = undefined
  if (outcome.ok) {
    progress.attempt = 0
    progress.cause = undefined
    progress.isRehearsed = true
  } else if (outcome.transient) {
    progress.attempt++
    progress.cause = outcome.cause
    progress.reason = `its rehearsal could not take place: ${outcome.cause}`
    progress.retryMonoMs = turn.now.monoMs + backoffMs(turn.state.config.timing, progress.attempt)
  } else {
    setPhase(turn, progress.version, 'introduceFailed', { cause: outcome.cause, reason: outcome.cause })
  }
}

/** Why no host takes it in at once, where the last one could not be started. */
function pauseOfHost({ state: { host }, now }: Turn): string | undefined {
  if (now.monoMs >= host.retryMonoMs || host.lastError === undefined) return undefined
  return `its host is started again after a pause: ${host.lastError}`
}

function watch(turn: Turn, progress: VersionProgress, probationMs: number): void {
  const endsAt = progress.watchedMonoMs + probationMs
  if (turn.now.monoMs >= endsAt) setPhase(turn, progress.version, 'introduced')
  else {
    progress.reason = 'it is watched after its introduction'
    wakeAtMono(turn, endsAt)
  }
}
