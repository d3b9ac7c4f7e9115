import { durationWords } from '../descriptor/duration-words.js'
import type { HealthPolicy } from '../descriptor/health.js'

// How a trial is judged (§15). Pure: figures in, a judgement out.
//
// No caller may send a peer back, however often it calls and whatever it provokes. So a judgement by errors has to stand without any one of the
// callers: it is made as often as there are callers with errors, each time without one of them, and holds only if it is the same every time. What
// is left is measured twice, by calls (every call counts the same) and by callers (every caller counts the same, so that a few busy ones do not
// decide for all), and the smaller share counts. A host that was brought down is judged in the same way.

/** What the calls to an object came to, in the window that the shell keeps. */
export interface CallFigures {
  /** Calls that the object answered: with a result, with an error of its contract, or with a fault of its own. */
  readonly calls: number
  /** The last of these. Refused inputs, disallowed calls and deadlines of callers are no calls here. */
  readonly errors: number
  /** Distinct callers of these calls. */
  readonly callers: number
  /** The sum over all callers of the share of their own calls that were errors. */
  readonly shares: number
  /** The callers that met with errors; bounded by the shell, which keeps the sums right. */
  readonly failing: readonly CallerFigures[]
}

/** What one caller met with. */
export interface CallerFigures {
  readonly caller: string
  readonly calls: number
  readonly errors: number
}

/** What is remembered of the time before the switch; on disk as long as the trial lasts. */
export interface Before {
  readonly calls: number
  readonly callers: number
  /** The share of errors that was usual, 0 to 1; see {@link usualShare}. */
  readonly share: number
}

/** All that is known of a trial under way. */
export interface TrialWatch {
  /** Monotonic clock of this boot; earlier boots count as far as the journal knows how long they saw the trial. */
  begunMonoMs: number
  /** By the wall clock, for people. */
  readonly beganAtMs: number
  /** When its length was written down last, monotonic clock. */
  writtenMonoMs: number
  /** Undefined until the shell has told it; then, and after a start that does not find it, errors are not judged. */
  before: Before | undefined
  /** The object had been brought down again and again before the switch, or had missed the probe. */
  readonly crashedBefore: boolean
  readonly missedBefore: boolean
  figures: CallFigures | undefined
  /** Calls that went well since the trial began, of all callers. */
  answered: number
  /** Times that the object brought its host down: by callers that alone had it do so, and otherwise. */
  readonly crashes: { own: number; readonly callers: Set<string>; cause: string | undefined }
  /** Misses in a row, answers so far, and what was missed last. */
  readonly probes: { missed: number; answered: number; cause: string | undefined }
  /** The judgement against it, where it does not go back for that. */
  ill: string | undefined
  /** An operator has approved it: it is not judged any more. */
  approved: boolean
  /** Counts the times that an operator had it judged anew: figures of earlier rounds say nothing. */
  round: number
}

export type Judgement =
  | { readonly is: 'well' }
  /** It cannot be told yet. `byOne`: because of what one caller alone has met with, so no timeout makes a failure of it. */
  | { readonly is: 'open'; readonly missing: string; readonly byOne?: true }
  | { readonly is: 'ill'; readonly cause: string }

/** A trial that begins now. */
export function createTrialWatch(
  { wallMs, monoMs }: { readonly wallMs: number; readonly monoMs: number },
  before: { readonly crashed?: boolean; readonly missed?: boolean } = {}
): TrialWatch {
  return {
    begunMonoMs: monoMs,
    beganAtMs: wallMs,
    writtenMonoMs: monoMs,
    before: undefined,
    crashedBefore: before.crashed === true,
    missedBefore: before.missed === true,
    figures: undefined,
    answered: 0,
    crashes: { own: 0, callers: new Set(), cause: undefined },
    probes: { missed: 0, answered: 0, cause: undefined },
    ill: undefined,
    approved: false,
    round: 0
  }
}

/** Callers that alone brought the host down are told apart up to so many; more of them add nothing to a judgement. */
const crashCallersMax = 8

/** Counts a crash. A caller counts once. */
export function countCrash({ crashes }: TrialWatch, cause: string, caller: string | undefined): void {
  crashes.cause = cause
  if (caller === undefined) crashes.own++
  else if (crashes.callers.size < crashCallersMax) crashes.callers.add(caller)
}

/** Crashes that are left whichever caller is left out. */
function standingCrashes({ own, callers }: TrialWatch['crashes']): number {
  return own + Math.max(0, callers.size - 1)
}

/** One may be anything. */
export const crashesMax = 2

/** Judges a trial as far as it has come; whether its time is over is another question. */
export function judgeTrial(watch: TrialWatch, policy: HealthPolicy, elapsedMs: number): Judgement {
  if (watch.approved) return { is: 'well' }
  const cause = crashCause(watch) ?? probeCause(watch, policy) ?? errorCause(watch, policy, policy.minCalls)
  if (cause !== undefined) return { is: 'ill', cause }
  const missing = missingProbe(watch, policy) ?? missingCalls(watch, policy, elapsedMs)
  if (missing !== undefined) return { is: 'open', missing }
  const alone = unvouched(watch, policy)
  return alone === undefined ? { is: 'well' } : { is: 'open', missing: alone, byOne: true }
}

function crashCause({ crashes, crashedBefore }: TrialWatch): string | undefined {
  const times = standingCrashes(crashes)
  return crashedBefore || times < crashesMax
    ? undefined
    : `it brought its host down ${times} times, the last time: ${crashes.cause ?? 'no cause is known'}`
}

function probeCause({ probes, missedBefore }: TrialWatch, { probe }: HealthPolicy): string | undefined {
  if (probe === undefined || missedBefore || probes.missed < probe.missesMax) return undefined
  return `it missed ${probes.missed} probes of ${probe.method} in a row: ${probes.cause ?? 'no cause is known'}`
}

function errorCause(watch: TrialWatch, policy: HealthPolicy, minCalls: number): string | undefined {
  const { figures, before } = watch
  const allowed = allowedShare(watch, policy, minCalls)
  if (figures === undefined || before === undefined || allowed === undefined) return undefined
  const standing = standingShare(figures, minCalls)
  if (standing === undefined || standing.share <= allowed) return undefined
  const { failing } = figures
  return `${percent(standing.share)} of its calls failed, ${percent(before.share)} before the switch (${figures.errors} of ${figures.calls} calls, ${failing.length} of ${figures.callers} callers)`
}

/** The share of errors that a trial may have; undefined where it is not judged by errors. */
function allowedShare({ before }: TrialWatch, policy: HealthPolicy, minCalls: number): number | undefined {
  if (before === undefined || wasIll(before, policy)) return undefined
  // What few calls have shown of the time before counts for little.
  return before.share * Math.min(1, before.calls / minCalls) + policy.errorPercent / 100
}

/**
 * One caller alone sends nobody back. Where its calls are nearly all that there are it lets nobody commit either: nobody else can say whether it
 * provokes its errors or the version fails it.
 */
function unvouched(watch: TrialWatch, policy: HealthPolicy): string | undefined {
  const { figures } = watch
  const allowed = allowedShare(watch, policy, 1)
  if (figures === undefined || allowed === undefined) return undefined
  for (const caller of figures.failing) {
    const others = figures.calls - caller.calls
    if (caller.errors / caller.calls > allowed && others < policy.minCalls)
      return `one caller (…${caller.caller.slice(-8)}) meets with errors, which is not judged by one alone, and fewer than ${policy.minCalls} calls of others vouch for it`
  }
  return undefined
}

/** Ill before is not judged: whatever is wrong there, the version did not bring it. */
export function wasIll({ share, calls }: Before, { errorPercent, minCalls }: HealthPolicy): boolean {
  return calls >= minCalls && share > errorPercent / 100
}

function missingProbe({ probes, missedBefore }: TrialWatch, { probe }: HealthPolicy): string | undefined {
  if (probe === undefined || missedBefore) return undefined
  if (probes.missed > 0) return `its last probe of ${probe.method} was missed: ${probes.cause ?? 'no cause is known'}`
  return probes.answered === 0 ? `its first probe of ${probe.method} has not been answered` : undefined
}

function missingCalls(watch: TrialWatch, policy: HealthPolicy, elapsedMs: number): string | undefined {
  const early = errorCause(watch, policy, 1)
  // No figures that change with every call: what is missing is announced.
  if (early !== undefined) return `fewer than ${policy.minCalls} calls to judge it by, and too many of them failed`
  if (watch.answered >= policy.minCalls || elapsedMs >= policy.idleCommitMs) return undefined
  return `fewer than ${policy.minCalls} calls have gone well; without them it is committed ${durationWords(policy.idleCommitMs)} after the switch`
}

/**
 * The share of errors that stands without any one caller: the smallest that is left, whoever is left out.
 *
 * @returns undefined where so few calls are left that they say nothing
 */
function standingShare(
  figures: CallFigures,
  minCalls: number
): { readonly share: number; readonly calls: number } | undefined {
  let least: { share: number; calls: number } | undefined
  for (const caller of figures.failing) {
    const rest = without(figures, caller)
    if (rest.callers < 1 || rest.calls < minCalls) return undefined
    const share = Math.min(rest.errors / rest.calls, rest.shares / rest.callers)
    if (least === undefined || share < least.share) least = { share, calls: rest.calls }
  }
  return least
}

/**
 * What was usual before the switch, from what was measured there. The caller with the highest share is left out where there are others: it must not
 * be able to hide a bad version behind errors of its own.
 */
export function usualShare(figures: CallFigures): number {
  const [first, ...others] = figures.failing
  if (first === undefined || figures.calls === 0) return 0
  const worst = others.reduce((a, b) => (b.errors / b.calls > a.errors / a.calls ? b : a), first)
  const rest = figures.callers > 1 ? without(figures, worst) : figures
  if (rest.calls === 0) return 0
  return Math.max(rest.errors / rest.calls, rest.shares / rest.callers)
}

function without({ calls, errors, callers, shares }: CallFigures, caller: CallerFigures): Omit<CallFigures, 'failing'> {
  return {
    calls: calls - caller.calls,
    errors: errors - caller.errors,
    callers: callers - 1,
    // Sums of shares are not exact.
    shares: Math.max(0, shares - caller.errors / caller.calls)
  }
}

function percent(share: number): string {
  return `${Math.round(share * 1000) / 10} %`
}
