import { CallError, type CallErrorCode } from '@instar/core'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { callWithRetry, createRetryCounters, type Attempt, type RetryInit } from './call-with-retry.js'
import { createSession } from './session.js'

beforeEach(() => void vi.useFakeTimers())
afterEach(() => void vi.useRealTimers())

interface Step {
  code?: CallErrorCode
  executed?: 'no' | 'unknown'
  retryAfterMs?: number
}

/** Runs one call against a peer that answers as the steps say, and tells each attempt with the time at which it came. */
async function run(
  steps: readonly Step[],
  init: Partial<RetryInit> = {}
): Promise<{ outcome: unknown; log: unknown[] }> {
  const log: unknown[] = []
  const started = performance.now()
  const left = [...steps]
  const send = async ({ request }: Attempt): Promise<string> => {
    log.push({
      atMs: Math.round(performance.now() - started),
      ...(request && { seq: request.seq, session: request.session })
    })
    const step = left.length > 1 ? left.shift() : left[0]
    const { code, executed = 'no', retryAfterMs } = step ?? {}
    if (code === undefined) return 'answer'
    throw new CallError(code, { message: 'no', executed, ...(retryAfterMs !== undefined && { retryAfterMs }) })
  }
  const call = callWithRetry(send, { deadlineMs: 2000, random: () => 0, ...init }).catch((error: unknown) => error)
  await vi.runAllTimersAsync()
  return { outcome: await call, log }
}

describe('a call with retries', () => {
  it('waits as long as the peer says, and backs off where it says nothing', async () => {
    const { outcome, log } = await run([
      { code: 'NotYet', retryAfterMs: 300 },
      { code: 'Unreachable' },
      { code: 'Unreachable' },
      {}
    ])
    expect(outcome).toBe('answer')
    expect(log).toEqual([{ atMs: 0 }, { atMs: 300 }, { atMs: 320 }, { atMs: 360 }])
  })

  it('sends the same request again, also when it may have run', async () => {
    const session = createSession()
    const { session: id } = { session: session.id }
    const counters = createRetryCounters()
    const { outcome, log } = await run([{ code: 'Unreachable', executed: 'unknown' }, { code: 'Upgrading' }, {}], {
      session,
      counters
    })
    expect(outcome).toBe('answer')
    expect(log).toMatchObject([
      { seq: 1, session: id },
      { seq: 1, session: id },
      { seq: 1, session: id }
    ])
    expect(counters).toMatchObject({
      calls: 1,
      attempts: 3,
      retries: 2,
      answered: 1,
      byCode: { Unreachable: 1, Upgrading: 1 }
    })
  })

  it('does not repeat without a session what may have run, unless that is harmless', async () => {
    const broken: Step[] = [{ code: 'Unreachable', executed: 'unknown' }, {}]
    expect((await run(broken)).outcome).toMatchObject({ code: 'Unreachable', detail: { executed: 'unknown' } })
    expect((await run(broken, { idempotent: true })).outcome).toBe('answer')
  })

  it.each<CallErrorCode>(['Disallowed', 'Retired', 'InvalidInput', 'UnknownMethod', 'Failed', 'DeadlineExceeded'])(
    'does not repeat after %s',
    async code => {
      const { outcome, log } = await run([{ code }], { session: createSession() })
      expect(outcome).toMatchObject({ code })
      expect(log).toHaveLength(1)
    }
  )

  it('gives up at the deadline with the last error, tries once just before it, and says whether the call may have run', async () => {
    const counters = createRetryCounters()
    const steps: Step[] = [
      { code: 'Upgrading', executed: 'unknown', retryAfterMs: 900 },
      { code: 'NotYet', retryAfterMs: 900 }
    ]
    const { outcome, log } = await run(steps, { session: createSession(), counters })
    expect(outcome).toMatchObject({
      code: 'NotYet',
      detail: { executed: 'unknown' },
      message: expect.stringContaining('4 attempts') as string
    })
    expect(log).toMatchObject([{ atMs: 0 }, { atMs: 900 }, { atMs: 1800 }, { atMs: 1975 }])
    expect(counters).toMatchObject({ failed: 1, answered: 0 })
  })

  it('cannot be sent away for longer than ten seconds', async () => {
    const { log } = await run([{ code: 'NotYet', retryAfterMs: 1e9 }, {}], { deadlineMs: 60_000 })
    expect(log).toEqual([{ atMs: 0 }, { atMs: 10_000 }])
  })

  it('stops when nobody waits', async () => {
    const abort = new AbortController()
    setTimeout(() => abort.abort(), 100)
    const { outcome, log } = await run([{ code: 'NotYet', retryAfterMs: 300 }], { signal: abort.signal })
    expect(outcome).toMatchObject({ code: 'NotYet' })
    expect(log).toHaveLength(1)
  })

  it('goes on in a new session when the old one is lost and the call cannot have run', async () => {
    const session = createSession()
    const { outcome, log } = await run([{ code: 'NotYet' }, { code: 'SessionLost', executed: 'unknown' }, {}], {
      session
    })
    expect(outcome).toBe('answer')
    const ids = (log as { session: string; seq: number }[]).map(each => each.session)
    expect(ids[1]).toBe(ids[0])
    expect(ids[2]).not.toBe(ids[0])
  })

  it('reports a lost session when the call may have run', async () => {
    const steps: Step[] = [
      { code: 'Unreachable', executed: 'unknown' },
      { code: 'SessionLost', executed: 'unknown' }
    ]
    const { outcome, log } = await run(steps, { session: createSession() })
    expect(outcome).toMatchObject({ code: 'SessionLost', detail: { executed: 'unknown' } })
    expect(log).toHaveLength(2)
  })
})
