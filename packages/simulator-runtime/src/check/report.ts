import type { FlawKind } from './flaw.js'

/** A flaw and how to see it again. */
export interface CheckFailure {
  readonly kind: FlawKind
  readonly text: string
  readonly expected?: string
  readonly actual?: string
  /** The shortest history found that shows it: each event and call, who served it, the states, the first wrong answer. */
  readonly transcript: string
  readonly seed: number
  /** With the seed, names the history that was found first. */
  readonly path: string
}

/** What has been run. */
export interface CheckCounts {
  /** Run on the real code. */
  readonly histories: number
  readonly calls: number
  readonly events: number
}

/** What a check has come to. */
export interface CheckReport extends CheckCounts {
  readonly passed: boolean
  readonly failure?: CheckFailure
  readonly seed: number
  /** Versions whose upgrade has no specification: of them only what needs none was checked. */
  readonly unspecified: readonly number[]
}

/** What a report says, for people. */
export function describeReport(report: CheckReport): string {
  const { failure, histories, calls, events, seed, unspecified } = report
  const amount = `${histories} histories, ${calls} calls and ${events} events (seed ${seed})`
  if (failure !== undefined) {
    return `${failure.transcript}\n\nFound in ${amount}; see it again with seed ${failure.seed} and path ${failure.path}.`
  }
  const partly =
    unspecified.length === 0
      ? ''
      : ` The upgrade to version ${unspecified.join(', ')} has no specification: only what needs none was checked.`
  return `No flaw found in ${amount}.${partly}`
}

/** Throws what {@link describeReport} says unless the check passed, for tests. */
export function assertPassed(report: CheckReport): void {
  if (!report.passed) throw new Error(`The upgrade is wrong.\n${describeReport(report)}`)
}
