import { CallError, isRetryable } from '@instar/core'
import { callWithRetry, type RetryCounters, type Session, type SessionRequest } from '@instar/rpc'
import { decodeResult, encodeArguments, type CallOne, type Target } from './call-one.js'

/** A command or flow that one peer may have run: it stays there, under the same number, until that peer answers (§12). */
interface Held {
  readonly peer: string
  readonly session: Session | undefined
  readonly request: SessionRequest | undefined
  maybeRan: boolean
}

/** Codes after which another peer may well answer. Nothing was executed. */
const elsewhere: ReadonlySet<string> = new Set([
  'NotYet',
  'Upgrading',
  'Busy',
  'Parked',
  'Unreachable',
  'Retired',
  'Superseded',
  'UnknownVersion',
  'Diverged',
  'UnknownClass',
  'SessionLost'
])

/**
 * Calls whichever peer serves the version. Tries the candidates one after the other, and waits only when all of them have refused.
 *
 * @param candidates best first; asked for again in every round
 * @throws CallError
 */
export async function callAny(init: {
  readonly one: CallOne
  readonly target: Target
  readonly candidates: () => readonly string[]
  readonly counters: RetryCounters
}): Promise<unknown> {
  const { one, target, candidates } = init
  const body = encodeArguments(target)
  let held: Held | undefined

  /** One peer, one attempt. Answers undefined when another peer may be asked at once. */
  async function tryPeer(peer: string, remainingMs: number): Promise<Uint8Array | CallError> {
    held ??= await beginAt(peer, remainingMs)
    const mine = held
    try {
      const result = await one.send(peer, target, body, remainingMs, mine.request?.id)
      mine.request?.end('answered')
      held = undefined
      return result
    } catch (thrown) {
      if (!(thrown instanceof CallError)) throw thrown
      return afterFailure(mine, thrown)
    }
  }

  async function beginAt(peer: string, remainingMs: number): Promise<Held> {
    if (target.kind === 'query') return { peer, session: undefined, request: undefined, maybeRan: false }
    const session = one.sessionFor(peer, target)
    const request = session.tryBegin() ?? (await session.begin({ signal: AbortSignal.timeout(Math.ceil(remainingMs)) }))
    return { peer, session, request, maybeRan: false }
  }

  function afterFailure(mine: Held, error: CallError): CallError {
    const { session, request } = mine
    if (error.code === 'SessionLost' && request !== undefined) {
      session?.renew(request.id.session)
      if (mine.maybeRan) throw error
    } else if (error.detail.executed === 'unknown') {
      mine.maybeRan = true
    }
    const stays = mine.maybeRan && target.kind !== 'query'
    if (stays && isRetryable(error.code)) throw error
    request?.end(mine.maybeRan ? 'lost' : 'refused')
    held = undefined
    if (!elsewhere.has(error.code)) throw error
    return error
  }

  /** All candidates once; throws what a retry may mend, if any peer said such a thing. */
  async function round(remainingMs: number): Promise<Uint8Array> {
    const failures: CallError[] = []
    for (const peer of held === undefined ? candidates() : [held.peer]) {
      const outcome = await tryPeer(peer, remainingMs)
      if (!(outcome instanceof CallError)) return outcome
      failures.push(outcome)
    }
    const retryable = failures.find(each => isRetryable(each.code))
    if (retryable !== undefined) throw retryable
    const message = `no peer is known that serves ${target.className} at version ${target.version}`
    throw failures[0] ?? new CallError('Unreachable', { message, retryAfterMs: 200 })
  }

  try {
    const result = await callWithRetry(({ remainingMs }) => round(remainingMs), {
      // A round repeats only what has not run, or what stays with its peer and number.
      idempotent: true,
      deadlineMs: target.deadlineMs,
      counters: init.counters,
      ...(target.signal && { signal: target.signal })
    })
    return decodeResult(target, result)
  } finally {
    held?.request?.end('lost')
  }
}
