import { durationWords } from '../descriptor/duration-words.js'
import { wasIll } from './health.js'
import type { PeerState } from './state.js'
import { trialPolicy } from './trial-policy.js'

/** One sentence for people about the trial of a version: what it was compared with, and what is left to its end. */
export function trialWords(state: Readonly<PeerState>, version: number, nowMonoMs: number): readonly string[] {
  const trial = state.versions.get(version)?.trial
  if (trial === undefined) return []
  const policy = trialPolicy(state, version)
  const words: string[] = []
  if (trial.approved) words.push('an operator has approved it, so it is not judged')
  else if (trial.before === undefined) words.push('its errors are not judged: nothing was measured before the switch')
  else if (wasIll(trial.before, policy))
    words.push(`its errors are not judged: ${Math.round(trial.before.share * 100)} % failed before the switch, too`)
  if (trial.crashedBefore)
    words.push('its crashes are not judged: its host was brought down again and again before the switch, too')
  if (trial.missedBefore) words.push('its probes are not judged: the version before missed them, too')
  if (policy.timeoutMs > 0)
    words.push(
      `it has ${durationWords(Math.max(0, trial.begunMonoMs + policy.timeoutMs - nowMonoMs))} left to be committed`
    )
  return words
}
