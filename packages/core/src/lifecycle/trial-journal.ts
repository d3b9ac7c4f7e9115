import { healthPolicyOf } from '../descriptor/health.js'
import type { JournalEntry } from '../journal/entries.js'
import { chainIdPrefix, upgradeAt } from '../version-log/version-log.js'
import { crashesMax, createTrialWatch } from './health.js'
import type { Now } from './input.js'
import type { PeerState, VersionProgress } from './state.js'
import type { Turn } from './turn.js'

// What of a trial is on disk (§11): when it began, what it is compared with, and what has been decided on it. What callers, crashes and probes have
// shown since then is counted anew after a restart.

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
  progress.trial = createTrialWatch(now.monoMs, was)
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
  const { beganAtMs, before, ill, returns, retryAtMs } = entry
  if (beganAtMs !== undefined) {
    const begunMonoMs = monoMs - Math.max(0, wallMs - beganAtMs)
    const was = { crashed: entry.crashedBefore === true, missed: entry.missedBefore === true }
    progress.trial = createTrialWatch(begunMonoMs, was)
    progress.retryTrialMonoMs = undefined
  }
  if (returns !== undefined) progress.returns = returns
  if (retryAtMs !== undefined) progress.retryTrialMonoMs = monoMs + Math.max(0, retryAtMs - wallMs)
  const { trial } = progress
  if (trial === undefined) return
  if (before !== undefined) trial.before = before
  if (ill !== undefined) trial.ill = ill === '' ? undefined : ill
  if (entry.approved === true) trial.approved = true
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
          beganAtMs: wallMs - (monoMs - trial.begunMonoMs),
          ...(trial.crashedBefore ? { crashedBefore: true } : {}),
          ...(trial.missedBefore ? { missedBefore: true } : {}),
          ...(trial.before === undefined ? {} : { before: trial.before }),
          ...(trial.ill === undefined ? {} : { ill: trial.ill }),
          ...(trial.approved ? { approved: true } : {})
        })
  }
}
