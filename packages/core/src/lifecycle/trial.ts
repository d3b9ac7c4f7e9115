import { durationWords } from '../descriptor/duration-words.js'
import { healthPolicyOf } from '../descriptor/health.js'
import { healthGate } from '../gates/health-gate.js'
import { trustGate } from '../gates/trust-gate.js'
import { upgradeAt } from '../version-log/version-log.js'
import { countCrash, judgeTrial, usualShare, type TrialWatch } from './health.js'
import type { Fact } from './input.js'
import { isSwitching } from './phase.js'
import type { PeerState, VersionProgress } from './state.js'
import { stopOf } from './stop.js'
import { note, rememberTrial } from './trial-journal.js'
import { trialPolicy } from './trial-policy.js'
import { setPhase, wakeAtMono, type Turn } from './turn.js'

/**
 * Ends a trial (§15): it goes back, or is held, where its health policy finds it ill; it is committed when it has been stable for its time, has been
 * called enough or is idle, trust is fresh and its health gate is open (P1).
 */
export function endTrials(turn: Turn): void {
  retryTrials(turn)
  const { state, now } = turn
  const progress = state.versions.get(state.running)
  if (progress?.phase !== 'trial' || progress.trial === undefined || state.lineage === undefined) return
  if (isGoingOn(state)) return
  const missing = missingForCommit(turn, progress, progress.trial)
  if (missing === undefined) return setPhase(turn, state.running, 'committed')
  if (missing === '') return
  progress.reason = missing
  const { trial } = progress
  rememberTrial(turn, progress, trial)
  const { timeoutMs, idleCommitMs } = trialPolicy(state, progress.version)
  for (const atMs of [timeoutMs, idleCommitMs].map(ms => trial.begunMonoMs + ms))
    if (atMs > now.monoMs) wakeAtMono(turn, atMs)
}

/** Why a trial is not committed now, in words; undefined: it is to be. Empty: it has ended another way. */
function missingForCommit(turn: Turn, progress: VersionProgress, watch: TrialWatch): string | undefined {
  const { state, now } = turn
  const { version } = progress
  const upgrade = state.lineage === undefined ? undefined : upgradeAt(state.log, state.lineage, version)
  const policy = healthPolicyOf(upgrade)
  const elapsedMs = now.monoMs - watch.begunMonoMs
  // What left the class alone has nothing that could be judged.
  const judgement = upgrade === undefined ? ({ is: 'well' } as const) : judgeTrial(watch, policy, elapsedMs)
  if (judgement.is === 'ill') {
    fail(turn, progress, watch, judgement.cause)
    if (progress.phase !== 'trial') return ''
  }
  if (watch.ill !== undefined && policy.onFailure === 'hold') return heldWords(progress, watch.ill)
  const missing = missingHere(turn, progress, (upgrade?.stableMs ?? 0) + policy.waitMs) ?? missingWords(judgement)
  if (missing === undefined) return missingTrust(turn, version)
  const isByOne = watch.crashes.callers.size === 1 || (judgement.is === 'open' && judgement.byOne === true)
  if (policy.timeoutMs === 0 || elapsedMs < policy.timeoutMs || watch.approved || isByOne) return missing
  fail(turn, progress, watch, `it could not be committed within ${durationWords(policy.timeoutMs)}: ${missing}`)
  return progress.phase === 'trial' ? missing : ''
}

function missingWords(judgement: ReturnType<typeof judgeTrial>): string | undefined {
  return judgement.is === 'open' ? `not committed yet: ${judgement.missing}` : undefined
}

function missingHere(turn: Turn, progress: VersionProgress, stableMs: number): string | undefined {
  const { state, now } = turn
  if (state.host.status !== 'up') return `its host does not run: ${state.host.lastError ?? 'it is starting'}`
  const stableAt = progress.watchedMonoMs + stableMs
  if (now.monoMs < stableAt) {
    wakeAtMono(turn, stableAt)
    return 'it is watched before it is committed'
  }
  const gate = healthGate(state, progress.version, now)
  return gate.open ? undefined : `not committed yet: ${gate.reason}`
}

/** Nobody's version is at fault where the trust metadata are stale: for that a trial waits as long as it takes. */
function missingTrust({ state, now }: Turn, version: number): string | undefined {
  const gate = trustGate(state, version, now)
  return gate.open ? undefined : `not committed yet: ${gate.reason}`
}

/** The judgement against a trial takes effect, once. */
function fail(turn: Turn, progress: VersionProgress, watch: TrialWatch, cause: string): void {
  const { state } = turn
  const { version } = progress
  const policy = trialPolicy(state, version)
  if (policy.onFailure === 'back' && canGoBack(state, version)) {
    progress.returns++
    const mayRetry = progress.returns <= policy.retry
    progress.retryTrialMonoMs = mayRetry ? turn.now.monoMs + policy.retryAfterMs : undefined
    note(turn, version, {
      returns: progress.returns,
      ...(mayRetry ? { retryAtMs: turn.now.wallMs + policy.retryAfterMs } : {})
    })
    goBack(turn, version, cause)
    return
  }
  if (watch.ill !== undefined) return
  watch.ill = cause
  progress.cause = cause
  note(turn, version, { ill: cause })
}

function heldWords({ version }: VersionProgress, cause: string): string {
  return `it is held on trial because it failed: ${cause}; \`instar upgrade back ${version}\` sends it back, \`approve ${version}\` keeps it, \`resume ${version}\` judges it anew`
}

/** Ends a trial that went badly, where the upgrade's author left a way back (§8); without one the version stays and is reported. */
export function goBack(turn: Turn, version: number, cause: string): void {
  const { state } = turn
  const progress = state.versions.get(version)
  if (progress?.phase !== 'trial' || version !== state.running || state.lineage === undefined) return
  // It is being left already, for the version that repairs it (§4).
  if (isGoingOn(state)) return
  // Where the version left the class alone, only the number changes.
  if (!canGoBack(state, version)) {
    progress.cause = cause
    progress.reason = `the upgrade has no way back: ${cause}`
    return
  }
  setPhase(turn, version, 'goingBack', { cause, reason: cause })
}

/** The version is left as soon as it can be, and serves on until then; whoever looks is told why it still does (R18). A machine that fails says nothing of the way. */
export function wayBackFailed(turn: Turn, cause: string, isMachines: boolean): void {
  const { state } = turn
  const progress = state.versions.get(state.running)
  if (progress?.phase !== 'goingBack') return
  if (!isMachines) progress.attempt++
  progress.reason = `${progress.cause ?? 'it goes back'}; the way back failed: ${cause}; it is tried again`
}

/** Whether the version that runs is to be left and cannot be: its way back has failed, which says nothing of what repairs it. */
export function isStuckGoingBack({ versions, running }: PeerState): boolean {
  const progress = versions.get(running)
  return progress?.phase === 'goingBack' && progress.attempt > 0
}

/** Whether the switch to a later version is under way. */
function isGoingOn({ versions, running }: PeerState): boolean {
  return [...versions.values()].some(({ version, phase }) => version > running && isSwitching(phase))
}

function canGoBack({ lineage, log }: PeerState, version: number): boolean {
  return lineage !== undefined && upgradeAt(log, lineage, version)?.back !== 'none'
}

/** What the shell has counted; the time before the switch is taken down once, for every start to come. */
export function heardHealth(turn: Turn, fact: Extract<Fact, { fact: 'health' }>): void {
  const { state } = turn
  const progress = state.versions.get(fact.version)
  const watch = progress?.trial
  if (progress?.phase !== 'trial' || fact.version !== state.running || watch === undefined) return
  if (watch.before === undefined && fact.before !== undefined) {
    const { calls, callers } = fact.before
    watch.before = { calls, callers, share: usualShare(fact.before) }
    note(turn, fact.version, { before: watch.before })
  }
  if (fact.round !== watch.round) return
  watch.figures = fact.figures
  watch.answered = fact.answered
}

/** The object on trial brought its host down (§15): that counts, and its stable time begins again. */
export function crashedOnTrial(
  { now }: Turn,
  progress: VersionProgress,
  cause: string,
  caller: string | undefined
): void {
  if (progress.trial !== undefined) countCrash(progress.trial, cause, caller)
  progress.watchedMonoMs = now.monoMs
}

/** The operator's words about a trial. */
export function judgeAnew(turn: Turn, progress: VersionProgress): void {
  const { trial, version } = progress
  if (progress.phase !== 'trial' || trial === undefined) return
  trial.round++
  trial.figures = undefined
  trial.answered = 0
  trial.crashes.own = 0
  trial.crashes.callers.clear()
  trial.probes.missed = 0
  trial.begunMonoMs = turn.now.monoMs
  trial.ill = undefined
  progress.cause = undefined
  progress.watchedMonoMs = turn.now.monoMs
  note(turn, version, { ill: '', lastedMs: 0 })
}

export function approveTrial(turn: Turn, progress: VersionProgress): void {
  const { trial, version } = progress
  if (progress.phase !== 'trial' || trial === undefined) return
  trial.approved = true
  trial.ill = undefined
  progress.cause = undefined
  note(turn, version, { approved: true, ill: '' })
}

/** §15, *retry*: a peer that came back from a trial that was judged ill tries again by itself as often as the descriptor says. */
function retryTrials(turn: Turn): void {
  const { state, now } = turn
  for (const progress of [...state.versions.values()]) {
    const { version, phase, retryTrialMonoMs } = progress
    if (retryTrialMonoMs === undefined || phase !== 'wentBack' || version <= state.running) continue
    if (stopOf(state, version) !== undefined) continue
    if (now.monoMs < retryTrialMonoMs) {
      wakeAtMono(turn, retryTrialMonoMs)
      continue
    }
    progress.retryTrialMonoMs = undefined
    progress.attempt = 0
    progress.retryMonoMs = 0
    setPhase(turn, version, 'known', { reason: `it is tried again after ${progress.returns} failed trials` })
  }
}
