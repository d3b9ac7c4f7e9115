import { healthPolicyOf } from '../descriptor/health.js'
import type { JournalEntry } from '../journal/entries.js'
import { chainIdPrefix, upgradeAt } from '../version-log/version-log.js'
import { crashesMax, createTrialWatch, type TrialWatch } from './health.js'
import type { Now } from './input.js'
import type { PeerState, VersionProgress } from './state.js'
import { trialPolicy } from './trial-policy.js'
import { wakeAtMono, type Turn } from './turn.js'

// What of a trial is on disk (§11): when it began, what it is compared with, and what has been decided on it. What callers, crashes and probes have
// shown since then is counted anew after a restart. How long it has lasted is a duration that was seen, as in quiet.ts: no jump of a clock commits
// a trial early or lets its time run out, and what the peer did not run is no part of it.

type TrialNote = Omit<Extract<Turn['entries'][number], { type: 'trial' }>, 'type' | 'version' | 'chainId'>

/** Writes down what a trial must know after a restart. */
export function note(turn: Turn, version: number, fields: TrialNote): void {
  turn.entries.push({
    type: 'trial',
    version,
    chainId: chainIdPrefix(turn.state.log, version) ?? '',
    ...fields
  })
}

/** Crashes before a switch count as the object's habit for so long. */
const habitMs = 10 * 60_000

/** From the moment at which the object is the version's. */
export function beginTrial(turn: Turn, progress: VersionProgress): void {
  const { state, now } = turn
  const { version, probe } = progress
  if (state.lineage === undefined || progress.phase !== 'trial') return
  const lately = state.host.broughtDownMonoMs.filter(each => each >= now.monoMs - habitMs)
  const was = { crashed: lately.length >= crashesMax, missed: probe.before === 'missed' }
  progress.trial = createTrialWatch(now, was)
  const upgrade = upgradeAt(state.log, state.lineage, version)
  // The answer of a probe that is under way is the version's before.
  progress.probe = { effect: undefined, nextMonoMs: now.monoMs + healthPolicyOf(upgrade).waitMs, before: undefined }
  // What left the class alone is committed at once: there is nothing to remember.
  if (upgrade === undefined) return
  note(turn, version, {
    beganAtMs: now.wallMs,
    ...(was.crashed ? { crashedBefore: true } : {}),
    ...(was.missed ? { missedBefore: true } : {})
  })
}

export function foldTrial(
  state: PeerState,
  entry: Extract<JournalEntry, { type: 'trial' }>,
  { wallMs, monoMs }: Now
): void {
  const progress = state.versions.get(entry.version)
  if (progress === undefined) return
  const { beganAtMs, lastedMs, before, ill, returns, retryAtMs } = entry
  if (beganAtMs !== undefined) {
    const was = { crashed: entry.crashedBefore === true, missed: entry.missedBefore === true }
    progress.trial = createTrialWatch({ wallMs: beganAtMs, monoMs }, was)
    progress.retryTrialMonoMs = undefined
  }
  if (returns !== undefined) progress.returns = returns
  if (retryAtMs !== undefined) {
    // A clock that was set back makes no pause longer.
    const { retryAfterMs } = trialPolicy(state, entry.version)
    progress.retryTrialMonoMs = monoMs + Math.min(Math.max(0, retryAtMs - wallMs), retryAfterMs)
  }
  const { trial } = progress
  if (trial === undefined) return
  if (lastedMs !== undefined) trial.begunMonoMs = monoMs - lastedMs
  if (before !== undefined) trial.before = before
  if (ill !== undefined) trial.ill = ill === '' ? undefined : ill
  if (entry.approved === true) trial.approved = true
}

/** So much of a trial at most is forgotten by a restart, where its policy counts in longer times. */
const writeEveryMsMin = 60_000
const writesMax = 16

/** Writes down how long it has lasted, when that is worth it: a sixteenth of the first time that its policy sets, or a minute. */
export function rememberTrial(turn: Turn, { version }: VersionProgress, trial: TrialWatch): void {
  const { state, now } = turn
  const { timeoutMs, idleCommitMs } = trialPolicy(state, version)
  const firstMs = Math.min(idleCommitMs, timeoutMs === 0 ? Infinity : timeoutMs)
  const dueMonoMs = trial.writtenMonoMs + Math.max(writeEveryMsMin, firstMs / writesMax)
  if (now.monoMs < dueMonoMs) return wakeAtMono(turn, dueMonoMs)
  trial.writtenMonoMs = now.monoMs
  note(turn, version, { lastedMs: lasted(trial, now.monoMs) })
}

function lasted({ begunMonoMs }: TrialWatch, monoMs: number): number {
  return Math.max(0, Math.round(monoMs - begunMonoMs))
}

/** Somebody has given it another chance: it may come back as often as at first. */
export function foldResumed(state: PeerState, version: number): void {
  const progress = state.versions.get(version)
  if (progress !== undefined) progress.returns = 0
}

/** The fields of one record that says the same. */
export function compactTrial(
  { trial, returns, retryTrialMonoMs }: VersionProgress,
  { wallMs, monoMs }: Now
): Omit<Extract<JournalEntry, { type: 'trial' }>, 'type' | 'version' | 'chainId'> | undefined {
  if (trial === undefined && returns === 0) return undefined
  return {
    ...(returns === 0 ? {} : { returns }),
    ...(retryTrialMonoMs === undefined ? {} : { retryAtMs: wallMs + Math.max(0, retryTrialMonoMs - monoMs) }),
    ...(trial === undefined
      ? {}
      : {
          beganAtMs: trial.beganAtMs,
          lastedMs: lasted(trial, monoMs),
          ...(trial.crashedBefore ? { crashedBefore: true } : {}),
          ...(trial.missedBefore ? { missedBefore: true } : {}),
          ...(trial.before === undefined ? {} : { before: trial.before }),
          ...(trial.ill === undefined ? {} : { ill: trial.ill }),
          ...(trial.approved ? { approved: true } : {})
        })
  }
}
