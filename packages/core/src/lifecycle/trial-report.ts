import { upgradeAt } from '../version-log/version-log.js'
import { wasIll, type CallerFigures, type TrialWatch } from './health.js'
import type { PeerState } from './state.js'
import { trialPolicy } from './trial-policy.js'

/** How a trial stands, for people (R18). */
export interface TrialReport {
  /** Calls since the trial began that the object answered, as far as the window reaches, and those of them that it failed. */
  readonly calls: number
  readonly errors: number
  readonly callers: number
  readonly failingCallers: number
  /** The callers with the most errors, a few. */
  readonly worst: readonly CallerFigures[]
  /** Calls that went well, and how many of them a commit needs where it does not wait for its time instead. */
  readonly answered: number
  readonly answeredMin: number
  /** Before the switch; absent where nothing was measured. */
  readonly before?: { readonly calls: number; readonly callers: number; readonly errorPercent: number }
  /** Times that the object brought its host down: by one caller each, and otherwise. */
  readonly crashes: { readonly byCallers: number; readonly otherwise: number }
  readonly probes?: { readonly method: string; readonly answered: number; readonly missedInARow: number }
  /** Until it has been stable for its time, until its time is over altogether, until it is committed without calls. */
  readonly stableLeftMs: number
  readonly timeoutLeftMs?: number
  readonly idleLeftMs?: number
  /** What is not judged, and why; one sentence each, without a full stop. */
  readonly remarks: readonly string[]
  /** It was judged ill, and did not go back. */
  readonly ill?: string
}

const worstMax = 3

/** The trial of the version that runs; undefined where it is not on trial. */
export function trialReport(state: Readonly<PeerState>, version: number, nowMonoMs: number): TrialReport | undefined {
  const progress = state.versions.get(version)
  const trial = progress?.trial
  if (trial === undefined || state.lineage === undefined) return undefined
  const policy = trialPolicy(state, version)
  const { figures, before, probes, crashes, ill } = trial
  const left = (ms: number): number => Math.max(0, ms - nowMonoMs)
  const stableMs = upgradeAt(state.log, state.lineage, version)?.stableMs ?? 0
  const failing = figures?.failing ?? []
  const idleLeftMs = left(trial.begunMonoMs + policy.idleCommitMs)
  return {
    calls: figures?.calls ?? 0,
    errors: figures?.errors ?? 0,
    callers: figures?.callers ?? 0,
    failingCallers: failing.length,
    worst: [...failing].sort((a, b) => b.errors - a.errors || (a.caller < b.caller ? -1 : 1)).slice(0, worstMax),
    answered: trial.answered,
    answeredMin: policy.minCalls,
    ...(before === undefined
      ? {}
      : {
          before: { calls: before.calls, callers: before.callers, errorPercent: Math.round(before.share * 1000) / 10 }
        }),
    crashes: { byCallers: crashes.callers.size, otherwise: crashes.own },
    ...(policy.probe === undefined
      ? {}
      : { probes: { method: policy.probe.method, answered: probes.answered, missedInARow: probes.missed } }),
    stableLeftMs: left((progress?.watchedMonoMs ?? 0) + stableMs + policy.waitMs),
    ...(policy.timeoutMs === 0 ? {} : { timeoutLeftMs: left(trial.begunMonoMs + policy.timeoutMs) }),
    ...(trial.answered >= policy.minCalls || idleLeftMs === 0 ? {} : { idleLeftMs }),
    remarks: remarksOf(trial, wasIllBefore(trial, state, version)),
    ...(ill === undefined ? {} : { ill })
  }
}

function wasIllBefore({ before }: TrialWatch, state: Readonly<PeerState>, version: number): boolean {
  return before !== undefined && wasIll(before, trialPolicy(state, version))
}

function remarksOf(trial: TrialWatch, illBefore: boolean): readonly string[] {
  const { before, approved, crashedBefore, missedBefore } = trial
  if (approved) return ['an operator has approved it, so it is not judged']
  return [
    ...(before === undefined ? ['its errors are not judged: nothing was measured before the switch'] : []),
    ...(illBefore ? ['its errors are not judged: as many calls failed before the switch'] : []),
    ...(crashedBefore
      ? ['its crashes are not judged: its host was brought down again and again before the switch']
      : []),
    ...(missedBefore ? ['its probes are not judged: the version before missed them'] : [])
  ]
}
