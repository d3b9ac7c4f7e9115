import type { CallErrorCode } from '../call/call-error.js'
import { classAt, upgradeAt } from '../version-log/version-log.js'
import { healthPolicyOf } from '../descriptor/health.js'
import { nextVersion } from './goal.js'
import type { ProbeOutcome } from './input.js'
import type { VersionProgress } from './state.js'
import { nextEffectId, wakeAtMono, type Turn } from './turn.js'

/**
 * Asks the object the query that the descriptor names (§15): on trial, and before it the version that still runs, so that what ails both is not
 * blamed on the new one.
 */
export function driveProbes(turn: Turn): void {
  const { state, now } = turn
  const { lineage, host } = state
  const progress = probed(turn)
  if (lineage === undefined || progress === undefined) return
  const { probe } = healthPolicyOf(upgradeAt(state.log, lineage, progress.version))
  if (probe === undefined || progress.probe.effect !== undefined) return
  if (host.status !== 'up' || host.switching !== undefined) return
  if (now.monoMs < progress.probe.nextMonoMs) {
    wakeAtMono(turn, progress.probe.nextMonoMs)
    return
  }
  const { className, revision } = classAt(state.log, lineage, state.running)
  const { method, args, timeoutMs } = probe
  progress.probe.effect = nextEffectId(turn)
  progress.probe.nextMonoMs = now.monoMs + probe.everyMs
  turn.effects.push({
    effect: 'probe',
    id: progress.probe.effect,
    version: state.running,
    className,
    revision,
    method,
    args,
    timeoutMs
  })
}

/** The version whose probe is asked now: the one on trial, or the next that is to be. */
function probed({ state }: Turn): VersionProgress | undefined {
  const running = state.versions.get(state.running)
  if (running?.phase === 'trial') return running
  const version = nextVersion(state)
  const next = version === undefined ? undefined : state.versions.get(version)
  return next?.phase === 'introduced' || next?.phase === 'waiting' ? next : undefined
}

/** The peer's own doing, and nothing about the object: it is asked again. */
const saysNothing: ReadonlySet<CallErrorCode> = new Set(['Upgrading', 'Busy', 'NotYet', 'Unreachable'])
/** What the version before has not, or takes in another way, is nothing to compare with. */
const notComparable: ReadonlySet<CallErrorCode> = new Set(['UnknownMethod', 'InvalidInput', 'Disallowed'])

export function probeAnswered(turn: Turn, progress: VersionProgress, outcome: ProbeOutcome): void {
  progress.probe.effect = undefined
  if (!outcome.ok && saysNothing.has(outcome.code)) return
  const { trial } = progress
  if (progress.phase !== 'trial' || trial === undefined || progress.version !== turn.state.running) {
    if (progress.version <= turn.state.running) return
    progress.probe.before = outcome.ok ? 'answered' : notComparable.has(outcome.code) ? undefined : 'missed'
    return
  }
  if (outcome.ok) {
    trial.probes.missed = 0
    trial.probes.answered++
    return
  }
  trial.probes.missed++
  trial.probes.cause = outcome.cause
}
