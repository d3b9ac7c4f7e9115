import { CallError, isRetryable, messageOf, type CallErrorCode } from '@instar/core'
import type { RequestId, RequestOutcome, Session, SessionRequest } from './session.js'

export interface Attempt {
  /** Absent without a session. */
  readonly request?: RequestId
  readonly remainingMs: number
  /** From 1. */
  readonly number: number
  readonly signal?: AbortSignal
}

export interface RetryInit {
  /** With one, an attempt whose outcome is unknown is repeated: the peer runs it once (§12). */
  readonly session?: Session
  /** A query or a method declared idempotent: may be repeated without a session. */
  readonly idempotent?: boolean
  readonly deadlineMs: number
  readonly signal?: AbortSignal
  readonly counters?: RetryCounters
  readonly onRetry?: (error: CallError, attempt: number, delayMs: number) => void
  readonly now?: () => number
  /** In [0, 1). */
  readonly random?: () => number
}

/** Counted up by `callWithRetry`; programs print them. */
export interface RetryCounters {
  calls: number
  attempts: number
  retries: number
  answered: number
  failed: number
  /** Sessions that were started again because a peer no longer knew them. */
  sessionsRenewed: number
  /** Attempts that failed, by code, those that were retried included. */
  byCode: Partial<Record<CallErrorCode, number>>
}

export function createRetryCounters(): RetryCounters {
  return { calls: 0, attempts: 0, retries: 0, answered: 0, failed: 0, sessionsRenewed: 0, byCode: {} }
}

/**
 * Sends a call until it is answered, fails for good, or its deadline passes. Every attempt carries the same request id. `NotYet`, `Upgrading`, `Busy` and
 * `Unreachable` are retried; where the call may have run, only if the peer would not run it twice (`session`, `idempotent`).
 *
 * @throws CallError the last one, with `executed: unknown` if any attempt may have run
 */
export async function callWithRetry<T>(send: (attempt: Attempt) => Promise<T>, init: RetryInit): Promise<T> {
  const { session, signal, counters, now = () => performance.now(), random = Math.random } = init
  const deadline = now() + init.deadlineMs
  const maySendTwice = session !== undefined || init.idempotent === true
  let executed: 'no' | 'unknown' = 'no'
  let before: CallError | undefined
  let renewals = 0
  let retries = 0
  if (counters) counters.calls++
  let request = await begin()

  function begin(): Promise<SessionRequest> | SessionRequest | undefined {
    return session?.tryBegin() ?? session?.begin({ signal: limited(signal, deadline - now()) })
  }

  /** That time ran out before an attempt began says less than why the one before it failed. */
  function tellingOf(error: CallError): CallError {
    return error.code === 'DeadlineExceeded' && error.detail.executed === 'no' ? (before ?? error) : error
  }

  function giveUp(last: CallError): CallError {
    const error = tellingOf(last)
    request?.end(outcomeOf(error, executed))
    if (counters) counters.failed++
    if (retries === 0 && error.detail.executed === executed) return error
    const message = retries === 0 ? error.message : `given up after ${retries + 1} attempts: ${error.message}`
    return new CallError(error.code, { ...error.detail, message, executed })
  }

  for (let number = 1; ; number++) {
    try {
      if (counters) counters.attempts++
      const result = await send({
        ...(request && { request: request.id }),
        remainingMs: Math.max(1, deadline - now()),
        number,
        ...(signal && { signal })
      })
      request?.end('answered')
      if (counters) counters.answered++
      return result
    } catch (thrown) {
      const error = toCallError(thrown)
      if (counters) counters.byCode[error.code] = (counters.byCode[error.code] ?? 0) + 1
      if (error.code === 'SessionLost' && session !== undefined && request !== undefined) {
        session.renew(request.id.session)
        // This attempt was not executed, and if no earlier one can have been, the call may go on in a new session.
        if (executed === 'no' && ++renewals <= renewalsMax && deadline > now()) {
          request.end('lost')
          if (counters) counters.sessionsRenewed++
          request = await begin()
          continue
        }
        executed = 'unknown'
        throw giveUp(error)
      }
      if (error.detail.executed === 'unknown') executed = 'unknown'
      const canHelp = isRetryable(error.code) && (error.detail.executed === 'no' || maySendTwice)
      const delayMs = canHelp ? delayBefore(++retries, error, deadline - now(), random) : undefined
      if (delayMs === undefined || signal?.aborted === true) {
        if (canHelp) retries--
        throw giveUp(error)
      }
      if (counters) counters.retries++
      before = tellingOf(error)
      init.onRetry?.(error, number, delayMs)
      if (!(await sleep(delayMs, signal))) throw giveUp(error)
    }
  }
}

/** Undefined when there is no time for another attempt. */
function delayBefore(retry: number, error: CallError, remainingMs: number, random: () => number): number | undefined {
  const { retryAfterMs } = error.detail
  const wantedMs =
    retryAfterMs === undefined
      ? Math.min(backoffMsMin * 2 ** (retry - 1), backoffMsMax) * (0.5 + 0.5 * random())
      : Math.min(Math.max(retryAfterMs, 1), retryAfterMsMax) * (1 + 0.25 * random())
  if (wantedMs + attemptMsMin <= remainingMs) return wantedMs
  // Too late for the time that was asked for, but one try just before the deadline costs little and often helps.
  return remainingMs > 2 * attemptMsMin ? remainingMs - attemptMsMin : undefined
}

function outcomeOf(error: CallError, executed: 'no' | 'unknown'): RequestOutcome {
  if (executed === 'no') return 'refused'
  return error.code === 'Failed' || error.code === 'OutOfContract' ? 'answered' : 'lost'
}

function toCallError(thrown: unknown): CallError {
  if (thrown instanceof CallError) return thrown
  return new CallError('Failed', { message: messageOf(thrown), executed: 'unknown' })
}

function limited(signal: AbortSignal | undefined, ms: number): AbortSignal {
  const timeout = AbortSignal.timeout(Math.max(1, Math.ceil(ms)))
  return signal === undefined ? timeout : AbortSignal.any([signal, timeout])
}

/** @returns false when the signal ended the wait */
function sleep(ms: number, signal: AbortSignal | undefined): Promise<boolean> {
  return new Promise(resolve => {
    const onAbort = (): void => done(false)
    const timer = setTimeout(() => done(true), ms)
    signal?.addEventListener('abort', onAbort, { once: true })
    function done(slept: boolean): void {
      clearTimeout(timer)
      signal?.removeEventListener('abort', onAbort)
      resolve(slept)
    }
  })
}

const backoffMsMin = 20
const backoffMsMax = 1_000
/** A peer cannot send a caller away for longer. */
const retryAfterMsMax = 10_000
/** Less time than this is not worth an attempt. */
const attemptMsMin = 25
const renewalsMax = 3
