import { healthGate } from '../gates/health-gate.js'
import { trustGate } from '../gates/trust-gate.js'
import { durationWords } from '../descriptor/duration-words.js'
import type { HostPlan } from '../host-plan/host-plan.js'
import { chainIdPrefix, upgradeAt } from '../version-log/version-log.js'
import { backoffMs } from './config.js'
import { bundlesOf, planBack, upgradePlanOf } from './goal.js'
import { beforeIn } from './history.js'
import type { Now, RehearsalOutcome } from './input.js'
import type { RehearsedState } from './rehearsed-state.js'
import type { PeerState, VersionProgress } from './state.js'
import { stopOf } from './stop.js'
import { isLooping } from './supervise.js'
import { nextEffectId, setPhase, wakeAtMono, type Turn } from './turn.js'

// A transform that throws at one entry in a million does so in the pause, or here: before the upgrade the whole of it is tried on a copy
// of the real state (R13, P2). Nothing that serves is touched, so the operator need not be asked; what it comes to is written down with
// the version of the state that was copied, and holds until that changes:
//
//   introduced, waiting → under way → it went well       the pause is known and announced; the gates decide
//                                   → it went wrong      failed: the version that runs goes on (P2), until somebody says otherwise (§4)
//                                   → it did not happen  a full disk, a host that was switched: tried again later, said meanwhile
//
// What stops the version stops its rehearsal too (P1).

/**
 * Tries the transform to a version where that has to be and can be. Gives what the upgrade waits for on its account, or `undefined` where
 * that is nothing, or a gate that says so itself.
 */
export function rehearseBeforeUpgrade(turn: Turn, progress: VersionProgress): string | undefined {
  const { state, now } = turn
  const { version, rehearsal } = progress
  if (!needsRehearsal(state, version) || rehearsalOf(state, progress) !== undefined) return undefined
  // Only a host that serves can copy its state, and only who is served can be kept waiting.
  if (state.host.status === 'down' && isLooping(turn)) return undefined
  if (rehearsal.effect !== undefined) return 'its transform is tried on a copy of the state (R13)'
  const tried = rehearsal.cause === undefined ? undefined : `its transform could not be tried yet: ${rehearsal.cause}`
  if (now.monoMs < rehearsal.retryMonoMs) {
    wakeAtMono(turn, rehearsal.retryMonoMs)
    return tried
  }
  // Both gates say it themselves, and better.
  if (!trustGate(state, version, now).open || !healthGate(state, version, now).open) return tried
  const plan = rehearsalPlan(state, version, now)
  if ('refused' in plan)
    return tried ?? `its transform has yet to be tried on a copy of the state (R13): ${plan.refused}`
  rehearsal.effect = nextEffectId(turn)
  const { back } = plan
  turn.effects.push({
    effect: 'rehearseState',
    id: rehearsal.effect,
    version,
    plan: plan.plan,
    ...(back === undefined ? {} : { back })
  })
  return tried ?? 'its transform is tried on a copy of the state (R13)'
}

/**
 * Whether the upgrade runs code of its author over the state while callers wait, or has run it over the state just before; or would to take
 * it back.
 */
function needsRehearsal({ log, lineage }: Readonly<PeerState>, version: number): boolean {
  const upgrade = lineage === undefined ? undefined : upgradeAt(log, lineage, version)
  return upgrade?.transform === 'whole' || upgrade?.transform === 'entries' || upgrade?.back === 'transform'
}

/** What the rehearsal of a version came to; it holds as long as the state is of the version that was copied. */
export function rehearsalOf(
  { host }: Readonly<PeerState>,
  { rehearsal: { passed } }: VersionProgress
): RehearsedState | undefined {
  return passed?.stateVersion === host.stateVersion ? passed : undefined
}

/** The host right after the upgrade; and where its trial would go back by code, the one right after that. */
export interface RehearsedPlans {
  readonly plan: HostPlan
  readonly back?: HostPlan
  readonly stateVersion: number
}

/**
 * What a scratch host has to be to try an upgrade on a copy of the state, or why there can be no rehearsal now. Loading code needs fresh
 * trust (P1); that other peers had failures with it is no reason not to look what it does here.
 */
export function rehearsalPlan(
  state: Readonly<PeerState>,
  version: number,
  now: Now
): RehearsedPlans | { readonly refused: string } {
  const { lineage, running, host } = state
  if (lineage === undefined) return refused('it has not joined the network yet')
  if (version <= running) return refused(`version ${running} runs here already`)
  const upgrade = upgradeAt(state.log, lineage, version)
  if (upgrade === undefined) return refused(`version ${version} leaves the class alone: there is nothing to try`)
  const stop = stopOf(state, version)
  if (stop !== undefined) return refused(stop.reason)
  const trust = trustGate(state, version, now)
  if (!trust.open) return refused(trust.reason)
  if (host.status !== 'up' || host.stateVersion === undefined) return refused('its host does not run')
  if (host.switching !== undefined) return refused('its host is being switched')
  const plan = upgradePlanOf(state, version)
  const before = beforeIn(state, version)
  const back = upgrade.back === 'transform' ? planBack(state, version, before) : undefined
  const needed = [...bundlesOf(plan), ...(back === undefined ? [] : bundlesOf(back))]
  const missing = needed.find(bundle => state.bundles.get(bundle)?.status !== 'ready')
  if (missing !== undefined) return refused(`bundle ${missing.slice(0, 12)}… is not here yet`)
  return { plan, ...(back === undefined ? {} : { back }), stateVersion: host.stateVersion }
}

function refused(reason: string): { readonly refused: string } {
  return { refused: reason }
}

/** A rehearsal has ended: one that the core has asked for, or an operator. */
export function stateRehearsed(turn: Turn, progress: VersionProgress, outcome: RehearsalOutcome): void {
  const { state, now } = turn
  const { version, rehearsal } = progress
  rehearsal.effect = undefined
  if (outcome.ok) {
    if (outcome.rehearsed.stateVersion !== state.host.stateVersion) return
    Object.assign(rehearsal, { attempt: 0, retryMonoMs: 0, cause: undefined, passed: outcome.rehearsed })
    const chainId = chainIdPrefix(state.log, version) ?? ''
    turn.entries.push({ type: 'rehearsed', version, chainId, ...outcome.rehearsed })
  } else if (outcome.transient) {
    rehearsal.attempt++
    rehearsal.cause = outcome.cause
    rehearsal.retryMonoMs = now.monoMs + backoffMs(state.config.timing, rehearsal.attempt)
  } else if (isDue(progress)) {
    const reason = `its rehearsal on a copy of the state failed: ${outcome.cause}`
    setPhase(turn, version, 'failed', { cause: outcome.cause, reason })
  }
}

/** What nobody waits for any more is ended: the version was stopped or withdrawn, or has gone on without it. */
export function endRehearsals(turn: Turn): void {
  const { state } = turn
  for (const progress of state.versions.values()) {
    const { rehearsal, version } = progress
    if (rehearsal.effect === undefined) continue
    if (isDue(progress) && version > state.running && stopOf(state, version) === undefined) continue
    turn.effects.push({ effect: 'cancelRehearsal', id: rehearsal.effect })
    rehearsal.effect = undefined
  }
}

function isDue({ phase }: VersionProgress): boolean {
  return phase === 'introduced' || phase === 'waiting'
}

/** What an upgrade waits for, and how long calls will be held then (§8). */
export function withPause(state: Readonly<PeerState>, progress: VersionProgress, reason: string): string {
  const pause = pauseReason(state, progress).reason
  return pause === undefined ? reason : `${reason}; ${pause}`
}

/** So that the pause is announced beforehand, by whoever has rehearsed it. */
export function pauseReason(state: Readonly<PeerState>, progress: VersionProgress): { readonly reason?: string } {
  const passed = rehearsalOf(state, progress)
  if (passed === undefined) return {}
  return {
    reason: `calls will be held for about ${durationWords(Math.max(1, passed.pauseMs))}, by its rehearsal on ${sizeWords(passed)}`
  }
}

function sizeWords({ entries, files }: RehearsedState): string {
  const parts = [entries > 0 || files === 0 ? `${entries} entries` : '', files > 0 ? `${files} files` : '']
  return parts.filter(part => part !== '').join(' and ')
}
