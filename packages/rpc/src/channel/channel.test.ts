import { CallError } from '@instar/core'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { memoryTransportPair, type MemoryTransport } from '../../test/memory-transport.js'
import type { CallHeader } from '../call/call-header.js'
import { encodeFrame, frameKind } from '../frame/frame.js'
import type { CallHandler, IncomingCall } from './call-handler.js'
import { createChannel, type Channel } from './channel.js'
import { defaultChannelLimits, type ChannelLimits } from './limits.js'

const header: CallHeader = { version: 2, className: 'set', method: 'insert', seq: 0, doneBelow: 0, remainingMs: 60_000 }
const noBytes = new Uint8Array(0)
const echo: CallHandler = async (_, body) => body

interface Pair {
  caller: Channel
  server: Channel
  wires: [MemoryTransport, MemoryTransport]
}

function pair(onCall: CallHandler, limits: Partial<ChannelLimits> = {}, windowBytes?: number): Pair {
  const wires = memoryTransportPair(windowBytes)
  const caller = createChannel({ transport: wires[0], limits, name: 'server' })
  const server = createChannel({ transport: wires[1], limits, onCall, name: 'caller' })
  return { caller, server, wires }
}

/** A handler that answers when told, and the calls it was given. */
function held(): { onCall: CallHandler; calls: IncomingCall[]; answer: () => void; arrived: () => Promise<void> } {
  const calls: IncomingCall[] = []
  const gate = Promise.withResolvers<Uint8Array>()
  const onCall: CallHandler = (_, __, call) => {
    calls.push(call)
    return gate.promise
  }
  return {
    onCall,
    calls,
    answer: () => gate.resolve(noBytes),
    arrived: () => vi.waitFor(() => expect(calls).not.toEqual([]))
  }
}

afterEach(() => void vi.useRealTimers())

describe('a channel', () => {
  it('answers each of many calls with its own result', async () => {
    const { caller } = pair(echo)
    const results = await Promise.all(
      Array.from({ length: 500 }, (_, i) => caller.request(header, Buffer.from(`${i}`)))
    )
    expect(results.map(result => Buffer.from(result).toString())).toEqual(Array.from({ length: 500 }, (_, i) => `${i}`))
  })

  it('puts the frames of one tick into few sends', async () => {
    const { caller } = pair(echo)
    await Promise.all(Array.from({ length: 200 }, () => caller.request(header, Buffer.alloc(100))))
    expect(caller.counters()).toMatchObject({ framesSent: 200, framesReceived: 200 })
    expect(caller.counters().sends).toBeLessThan(5)
  })

  it('hands a large body on in parts, each of at most the bytes of one send', async () => {
    const { caller, wires } = pair(echo)
    const send = vi.spyOn(wires[0], 'send')
    const body = Buffer.alloc(3_000_000, 7)
    expect(Buffer.compare(await caller.request(header, body), body)).toBe(0)
    const sizes = send.mock.calls.map(([pieces]) => pieces.reduce((sum, piece) => sum + piece.byteLength, 0))
    expect(Math.max(...sizes)).toBe(defaultChannelLimits.sendBytes)
  })

  it('passes on a call error as it was thrown, and anything else as a failure', async () => {
    const { caller } = pair(async ({ method }) => {
      if (method === 'insert') throw new CallError('Disallowed', { message: 'no', reason: 'red' })
      throw new TypeError('oops')
    })
    await expect(caller.request(header, noBytes)).rejects.toMatchObject({
      code: 'Disallowed',
      detail: { reason: 'red' }
    })
    await expect(caller.request({ ...header, method: 'other' }, noBytes)).rejects.toMatchObject({
      code: 'Failed',
      detail: { executed: 'unknown' }
    })
  })

  it('refuses with Busy what is beyond its concurrency', async () => {
    const { onCall, answer, arrived } = held()
    const { caller } = pair(onCall, { servingMax: 1 })
    const first = caller.request(header, noBytes)
    await arrived()
    await expect(caller.request(header, noBytes)).rejects.toMatchObject({ code: 'Busy', detail: { executed: 'no' } })
    answer()
    await first
  })

  it('cancels at the other end when the caller no longer waits', async () => {
    const { onCall, calls, arrived } = held()
    const { caller } = pair(onCall)
    const abort = new AbortController()
    const call = caller.request(header, noBytes, { signal: abort.signal })
    await arrived()
    const { signal } = calls[0]!
    abort.abort()
    await expect(call).rejects.toMatchObject({ code: 'DeadlineExceeded', detail: { executed: 'unknown' } })
    await vi.waitFor(() => expect(signal.aborted).toBe(true))
  })

  it('tells those who only pass a call on that it was cancelled, once, and nobody who has left', async () => {
    const { onCall, calls, arrived } = held()
    const { caller } = pair(onCall)
    const abort = new AbortController()
    const call = caller.request(header, noBytes, { signal: abort.signal })
    await arrived()
    const { cancellation } = calls[0]!
    expect(cancellation.aborted).toBe(false)
    const stays = vi.fn()
    const leaves = vi.fn()
    cancellation.addEventListener('abort', stays)
    cancellation.addEventListener('abort', leaves)
    cancellation.removeEventListener('abort', leaves)
    abort.abort()
    await expect(call).rejects.toMatchObject({ code: 'DeadlineExceeded' })
    await vi.waitFor(() => expect(stays).toHaveBeenCalledOnce())
    expect(cancellation.aborted).toBe(true)
    expect(leaves).not.toHaveBeenCalled()
  })

  it('gives up at the deadline on both ends, and counts it down for the next hop', async () => {
    const { onCall, calls, arrived } = held()
    const { caller } = pair(onCall)
    const call = caller.request({ ...header, remainingMs: 30 }, noBytes)
    const failed = expect(call).rejects.toMatchObject({ code: 'DeadlineExceeded', detail: { executed: 'unknown' } })
    await arrived()
    expect(calls[0]!.remainingMs).toBeLessThanOrEqual(30)
    await failed
    await vi.waitFor(() => expect(calls[0]!.signal.aborted).toBe(true))
  })

  it('does not send what was cancelled in the same tick', async () => {
    const { onCall, calls } = held()
    const { caller } = pair(onCall)
    const abort = new AbortController()
    const call = caller.request(header, noBytes, { signal: abort.signal })
    abort.abort()
    await expect(call).rejects.toMatchObject({ code: 'DeadlineExceeded', detail: { executed: 'no' } })
    await caller.close()
    expect(calls).toEqual([])
  })

  it('fails what is pending when the stream breaks: unknown what was sent, not executed what was not', async () => {
    const { onCall, arrived, calls } = held()
    const { caller, server, wires } = pair(onCall, {}, 1)
    const sent = caller.request(header, noBytes)
    await arrived()
    wires[1].pause()
    const filler = caller.request(header, noBytes).catch((error: unknown) => error)
    await new Promise(resolve => setImmediate(resolve))
    const stuck = caller.request(header, noBytes)
    const outcomes = Promise.allSettled([sent, stuck])
    wires[0].cut()
    expect(await outcomes).toMatchObject([
      { reason: { code: 'Unreachable', detail: { executed: 'unknown' } } },
      { reason: { code: 'Unreachable', detail: { executed: 'no' } } }
    ])
    await filler
    expect(await caller.closed).toMatchObject({ code: 'broken' })
    expect(await server.closed).toMatchObject({ code: 'broken' })
    expect(calls[0]!.signal.aborted).toBe(true)
    await expect(caller.request(header, noBytes)).rejects.toMatchObject({
      code: 'Unreachable',
      detail: { executed: 'no' }
    })
  })

  it('takes an end without a goodbye for a failure', async () => {
    const { caller, wires } = pair(echo)
    await wires[1].close()
    expect(await caller.closed).toMatchObject({
      code: 'broken',
      message: expect.stringContaining('without a goodbye') as string
    })
  })

  it('says goodbye, lets running calls end, and refuses new ones', async () => {
    const { onCall, answer, arrived } = held()
    const { caller, server } = pair(onCall)
    const running = caller.request(header, noBytes)
    await arrived()
    const closing = server.close({ code: 'Closing', message: 'the peer stops' })
    await vi.waitFor(() => expect(caller.open).toBe(false))
    await expect(caller.request(header, noBytes)).rejects.toMatchObject({
      code: 'Unreachable',
      detail: { executed: 'no' }
    })
    answer()
    expect(await running).toHaveLength(0)
    await closing
    expect(await caller.closed).toMatchObject({ code: 'goodbye', goodbye: { message: 'the peer stops' } })
    expect(await server.closed).toMatchObject({ code: 'closed' })
  })

  it.each([
    ['garbage', Buffer.from('GET / HTTP/1.1\r\n\r\n')],
    ['a call without a header', encodeFrame(frameKind.call, 1, Buffer.of(0))],
    ['a call whose header lies about its length', encodeFrame(frameKind.call, 1, Buffer.of(1, 0, 0))]
  ])('ends on %s, and says so', async (_, bytes) => {
    const wires = memoryTransportPair()
    const channel = createChannel({ transport: wires[0], onCall: echo })
    wires[1].send([bytes])
    expect(await channel.closed).toMatchObject({ code: 'protocol' })
  })

  it('holds no more than its bounds for a reader that does not read', async () => {
    const limits = { queuedBytesMax: 1_000_000, servingBytesMax: 1_000_000 }
    const { caller, server, wires } = pair(async () => Buffer.alloc(100_000), limits)
    wires[0].pause()
    const calls = Array.from({ length: 400 }, () =>
      caller.request(header, Buffer.alloc(10_000)).catch((error: unknown) => error)
    )
    await vi.waitFor(() => expect(server.counters().bytesQueued).toBeGreaterThan(limits.queuedBytesMax))
    // It has stopped reading: what it took in one turn is all that it answers.
    expect(server.counters().bytesQueued).toBeLessThan(6_000_000)
    expect(caller.counters().bytesQueued).toBeLessThan(limits.queuedBytesMax + 20_000)
    wires[0].resume()
    const results = await Promise.all(calls)
    expect(results.filter(each => each instanceof Uint8Array).length).toBeGreaterThan(50)
    for (const each of results) if (each instanceof Error) expect(each).toMatchObject({ code: 'Busy' })
  })

  it('reads on as soon as what it queued is sent', async () => {
    const { caller } = pair(async () => Buffer.alloc(50_000), { queuedBytesMax: 100_000 }, 10_000_000)
    const results: Uint8Array[] = []
    for (let i = 0; i < 5; i++) {
      const calls = Array.from({ length: 20 }, () => caller.request(header, noBytes))
      results.push(...(await Promise.all(calls)))
    }
    expect(results).toHaveLength(100)
  })

  it('pings an idle stream, and breaks one that is silent', async () => {
    vi.useFakeTimers()
    const { caller, server, wires } = pair(echo, { keepaliveMs: 1000, silenceMs: 3000, stallMs: 0 })
    await vi.advanceTimersByTimeAsync(20_000)
    expect(caller.open && server.open).toBe(true)
    expect(caller.counters().framesReceived).toBeGreaterThan(5)
    wires[1].pause()
    wires[0].pause()
    await vi.advanceTimersByTimeAsync(5_000)
    expect(await caller.closed).toMatchObject({ code: 'silent' })
  })

  it('breaks a stream that takes no bytes', async () => {
    vi.useFakeTimers()
    const { caller, wires } = pair(echo, { stallMs: 2000, keepaliveMs: 0, silenceMs: 0 }, 1)
    wires[1].pause()
    const call = caller.request(header, Buffer.alloc(100))
    const failed = expect(call).rejects.toMatchObject({ code: 'Unreachable' })
    await vi.advanceTimersByTimeAsync(4_000)
    await failed
    expect(await caller.closed).toMatchObject({ code: 'stalled' })
  })
})
