import type { CallError, CallErrorCode } from '@instar/core'
import type { RequestId, Session } from './session.js'

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
 * Sends a call until it is answered, fails for good, or its deadline passes. Every attempt carries the same request id.
 *
 * @throws CallError the last one, with `executed: unknown` if any attempt may have run
 */
export async function callWithRetry<T>(_send: (attempt: Attempt) => Promise<T>, _init: RetryInit): Promise<T> {
  throw new Error('not built yet')
}
