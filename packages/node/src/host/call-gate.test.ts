import { CallError } from '@instar/core'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { createCallGate, type CallGate, type HostChannel } from './call-gate.js'
import { defaultHoldLimits, type HoldLimits } from './call-queue.js'
import type { HostCallHeader } from './host-port.js'

interface Request {
  readonly header: HostCallHeader
  readonly resolve: (bytes: Uint8Array) => void
  readonly reject: (error: CallError) => void
}

/** A host that answers when the test says so. */
function fakeHost(): HostChannel & { readonly requests: Request[] } {
  const requests: Request[] = []
  return {
    requests,
    request: header =>
      new Promise((resolve, reject) => requests.push({ header: header as HostCallHeader, resolve, reject }))
  }
}

const answer = Buffer.from('answer')
const session = 'ab'.repeat(16)
const headerOf = (method: string, change: Partial<HostCallHeader> = {}): HostCallHeader => ({
  version: 1,
  revision: 1,
  className: 'Counter',
  method,
  seq: 0,
  doneBelow: 0,
  remainingMs: 60_000,
  caller: 'me',
  ...change
})
const gone = (): CallError => new CallError('Unreachable', { message: 'the socket broke', executed: 'unknown' })

/** The process is gone too, and why is known. */
async function bury(host: HostChannel, guilty?: string): Promise<void> {
  await vi.advanceTimersByTimeAsync(0)
  gate.ended(host, ({ method }) => method === guilty, 'it stood still')
}

let gate: CallGate
beforeEach(() => {
  vi.useFakeTimers()
  gate = gateOf({})
})
afterEach(() => {
  gate.close()
  vi.useRealTimers()
})

function gateOf(limits: Partial<HoldLimits>): CallGate {
  return createCallGate({ limits: { ...defaultHoldLimits, ...limits }, now: () => Date.now(), retryAfterMs: 100 })
}

function call(method: string, change?: Partial<HostCallHeader>, signal = new AbortController().signal, bytes = 1) {
  const result = gate.call(headerOf(method, change), new Uint8Array(bytes), signal)
  return { settled: result.catch((error: unknown) => error) }
}

describe('the gate of calls', () => {
  it('sends held calls in their order, and counts the time against their deadlines', async () => {
    gate.hold()
    const calls = [call('a'), call('b'), call('c')]
    vi.advanceTimersByTime(1_000)
    const host = fakeHost()
    gate.open(host)
    expect(host.requests.map(({ header }) => [header.method, header.remainingMs])).toEqual([
      ['a', 59_000],
      ['b', 59_000],
      ['c', 59_000]
    ])
    for (const { resolve } of host.requests) resolve(answer)
    expect(await Promise.all(calls.map(each => each.settled))).toEqual([answer, answer, answer])
  })

  it('holds so many calls, and has room again when one goes', async () => {
    gate = gateOf({ callsMax: 2 })
    gate.hold()
    const cancel = new AbortController()
    const [, first] = [call('kept'), call('left', {}, cancel.signal)]
    const refused = call('refused')
    expect(await refused.settled).toMatchObject({ code: 'Upgrading', detail: { executed: 'no', retryAfterMs: 100 } })
    cancel.abort()
    await first.settled
    const next = call('next')
    expect(gate.counters()).toMatchObject({ held: 2, heldBytes: 2, heldTotal: 3, refused: 1 })
    const host = fakeHost()
    gate.open(host)
    expect(host.requests.map(({ header }) => header.method)).toEqual(['kept', 'next'])
    host.requests[1]!.resolve(answer)
    expect(await next.settled).toEqual(answer)
  })

  it('refuses what passes its bounds: bytes, and age', async () => {
    gate = gateOf({ bytesMax: 10, ageMaxMs: 500 })
    gate.hold()
    const held = call('small', {}, undefined, 8)
    const large = call('large', {}, undefined, 3)
    expect(await large.settled).toMatchObject({ code: 'Upgrading', detail: { executed: 'no', retryAfterMs: 100 } })
    vi.advanceTimersByTime(500)
    expect(await held.settled).toMatchObject({ code: 'Upgrading', detail: { executed: 'no', retryAfterMs: 100 } })
    expect(gate.counters()).toMatchObject({ held: 0, heldBytes: 0, heldTotal: 1, refused: 1 })
  })

  it('lets a held call go when its deadline passes or its caller goes away', async () => {
    gate.hold()
    const short = call('short', { remainingMs: 50 })
    const cancel = new AbortController()
    const left = call('left', {}, cancel.signal)
    vi.advanceTimersByTime(50)
    cancel.abort()
    expect(await short.settled).toMatchObject({ code: 'DeadlineExceeded', detail: { executed: 'no' } })
    expect(await left.settled).toMatchObject({ code: 'DeadlineExceeded' })
    expect(gate.counters().held).toBe(0)
  })

  it('refuses at once when no host serves and none is about to', async () => {
    expect(await call('a').settled).toMatchObject({ code: 'Upgrading', detail: { executed: 'no', retryAfterMs: 100 } })
  })

  it('sends what the old host gave back untouched to the new one, before what came later', async () => {
    const old = fakeHost()
    gate.open(old)
    const first = call('first')
    gate.hold()
    const second = call('second')
    old.requests[0]!.reject(new CallError('Upgrading', { message: 'this host takes no calls' }))
    await vi.advanceTimersByTimeAsync(0)
    const next = fakeHost()
    gate.open(next)
    expect(next.requests.map(({ header }) => header.method)).toEqual(['first', 'second'])
    for (const { resolve } of next.requests) resolve(answer)
    expect(await first.settled).toEqual(answer)
    expect(await second.settled).toEqual(answer)
  })

  it('does not run a call a second time that may have run, unless its session makes that safe', async () => {
    const old = fakeHost()
    gate.open(old)
    const plain = call('plain')
    const inSession = call('inSession', { session, seq: 1, doneBelow: 1 })
    for (const { reject } of old.requests) reject(gone())
    await bury(old)
    expect(await plain.settled).toMatchObject({ code: 'Upgrading', detail: { executed: 'unknown', retryAfterMs: 100 } })
    expect(gate.state).toBe('down')
    const next = fakeHost()
    gate.open(next)
    expect(next.requests.map(({ header }) => header.method)).toEqual(['inSession'])
    next.requests[0]!.resolve(answer)
    expect(await inSession.settled).toEqual(answer)
  })

  it('gives up a call that takes a second host down with it', async () => {
    gate.hold()
    const deadly = call('deadly', { session, seq: 1, doneBelow: 1 })
    for (let i = 0; i < 2; i++) {
      const host = fakeHost()
      gate.open(host)
      host.requests[0]!.reject(gone())
      await bury(host)
    }
    expect(await deadly.settled).toMatchObject({ code: 'Upgrading', detail: { executed: 'unknown' } })
  })

  it('tells the callers of the method that brought a host down so, and sends the others of its calls to the next', async () => {
    const old = fakeHost()
    gate.open(old)
    const guilty = [call('spin', { session, seq: 1, doneBelow: 1 }), call('spin')]
    const innocent = call('add', { session, seq: 2, doneBelow: 1 })
    for (const { reject } of old.requests) reject(gone())
    await vi.advanceTimersByTimeAsync(0)
    expect(gate.underWay(old).map(({ method }) => method)).toEqual(['spin', 'add'])
    await bury(old, 'spin')
    for (const each of guilty)
      expect(await each.settled).toMatchObject({
        code: 'OutOfContract',
        message: 'Counter.spin brought its host down: it stood still',
        detail: { executed: 'unknown' }
      })
    const next = fakeHost()
    gate.open(next)
    expect(next.requests.map(({ header }) => header.method)).toEqual(['add'])
    next.requests[0]!.resolve(answer)
    expect(await innocent.settled).toEqual(answer)
  })

  it('remembers who passed the deadline in a host, until that host answers again', async () => {
    const host = fakeHost()
    gate.open(host)
    const late = call('spin')
    const fine = call('add')
    host.requests[0]!.reject(new CallError('DeadlineExceeded', { message: 'late', executed: 'unknown' }))
    expect(await late.settled).toMatchObject({ code: 'DeadlineExceeded' })
    expect(gate.underWay(host).map(({ method }) => method)).toEqual(['spin'])
    host.requests[1]!.resolve(answer)
    await fine.settled
    expect(gate.underWay(host)).toEqual([])
  })

  it('passes on what the object answers, errors too', async () => {
    const host = fakeHost()
    gate.open(host)
    const refused = call('a')
    host.requests[0]!.reject(new CallError('Disallowed', { message: 'no', reason: 'no' }))
    expect(await refused.settled).toMatchObject({ code: 'Disallowed' })
    expect(gate.state).toBe('open')
  })

  it('answers everybody when it is closed', async () => {
    gate.hold()
    const held = call('a')
    gate.close()
    expect(await held.settled).toMatchObject({ code: 'Upgrading', detail: { executed: 'no' } })
    expect(await call('b').settled).toMatchObject({ code: 'Upgrading' })
  })
})

describe('who brought a host down', () => {
  it('is told where all calls that it had were of one caller', async () => {
    const host = fakeHost()
    gate.open(host)
    for (const caller of ['one', 'one', 'other']) call(caller === 'one' ? 'spin' : 'read', { caller })
    for (const { reject } of host.requests) reject(gone())
    await vi.advanceTimersByTimeAsync(0)
    expect(gate.onlyCaller(host, ({ method }) => method === 'spin')).toBe('one')
    expect(gate.onlyCaller(host, () => true)).toBeUndefined()
    expect(gate.onlyCaller(host, ({ method }) => method === 'write')).toBeUndefined()
  })
})
