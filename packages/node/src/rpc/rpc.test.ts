import { CallError } from '@instar/core'
import { createChannel, fromLibp2pStream, rpcProtocol, type CallHandler, type Channel } from '@instar/rpc'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { call, chainId, startCaller as start, stopCallers } from '../../test/callers.js'

afterEach(stopCallers)

describe('calls between peers', () => {
  it('carry the version and the proven caller to the host of the other', async () => {
    const [a, b] = [await start(), await start()]
    expect(Buffer.from(await a.rpc.call(call(b.id))).toString()).toBe('x')
    expect(b.seen).toMatchObject([{ version: 1, chainId, revision: 1, className: 'set', caller: a.id, seq: 1 }])
    expect(b.seen).toMatchObject([{ hops: 1, trail: `set.ask at …${a.id.slice(-8)}` }])
    expect(b.rpc.received.perVersion()).toEqual({ 1: { calls: 1, disallowed: 0, errors: 0 } })
  })

  it('use one stream per pair, in both directions', async () => {
    const [a, b] = [await start(), await start()]
    await a.rpc.call(call(b.id))
    await b.rpc.call(call(a.id))
    const streams = a.node
      .getConnections()
      .flatMap(({ streams }) => streams.filter(({ protocol }) => protocol === rpcProtocol))
    expect(streams).toHaveLength(1)
  })

  it('work when both dial at once', async () => {
    const [a, b] = [await start(), await start()]
    const both = Array.from({ length: 20 }, () => [a.rpc.call(call(b.id)), b.rpc.call(call(a.id))]).flat()
    expect(await Promise.all(both)).toHaveLength(40)
  })

  it('to itself take no network', async () => {
    const a = await start()
    await a.rpc.call(call(a.id))
    expect(a.seen).toMatchObject([{ caller: a.id, revision: 1 }])
    expect(a.node.getConnections()).toEqual([])
  })

  it('wait for a version that the other introduces meanwhile, and make it pull', async () => {
    const onHigherVersion = vi.fn(() => {
      b.routes = a.routes
    })
    const [a, b] = [await start(), await start({ onHigherVersion, notYetRetryAfterMs: 10 })]
    b.routes = { entries: [], served: undefined, newest: 0 }
    await a.rpc.call(call(b.id))
    expect(onHigherVersion).toHaveBeenCalledExactlyOnceWith(a.id, 1)
    expect(a.rpc.counters).toMatchObject({ retries: 1, byCode: { NotYet: 1 } })
  })

  it('tell the others when what is served changes', async () => {
    const [a, b] = [await start(), await start()]
    expect(await a.rpc.helloOf(b.id)).toMatchObject({ served: [1, 1] })
    b.routes = { ...b.routes, served: [1, 2] }
    b.rpc.helloChanged()
    b.rpc.helloChanged()
    await vi.waitFor(() =>
      expect(a.hellos).toEqual([
        [b.id, [1, 1]],
        [b.id, [1, 2]]
      ])
    )
    expect(await a.rpc.helloOf(b.id)).toMatchObject({ served: [1, 2] })
  })

  it('do not cross networks', async () => {
    const [a, b] = [await start(), await start({ network: 'cd'.repeat(32) })]
    await expect(a.rpc.call(call(b.id, Buffer.alloc(1), 300))).rejects.toMatchObject({
      code: 'Unreachable',
      detail: { executed: 'no' },
      message: expect.stringContaining('network') as string
    })
    expect(b.seen).toEqual([])
  })

  it('fail with what the host says, and are not repeated when that cannot help', async () => {
    const host = {
      call: vi.fn(async () => Promise.reject(new CallError('Disallowed', { message: 'no', reason: 'red' })))
    }
    const [a, b] = [await start(), await start({ host })]
    await expect(a.rpc.call(call(b.id))).rejects.toMatchObject({ code: 'Disallowed', detail: { reason: 'red' } })
    expect(host.call).toHaveBeenCalledOnce()
  })
})

describe('a channel over libp2p', () => {
  it('holds a bounded number of bytes for a reader that does not read, and loses nothing', async () => {
    const [a, b] = [await start(), await start()]
    const resultBytes = 400_000
    const limits = { queuedBytesMax: 1_000_000 }
    const accepted = Promise.withResolvers<Channel>()
    await b.node.handle('/slow/1', stream => {
      const onCall: CallHandler = async () => Buffer.alloc(resultBytes)
      accepted.resolve(createChannel({ transport: fromLibp2pStream(stream), limits, onCall }))
    })
    const stream = await a.node.dialProtocol(b.node.getMultiaddrs(), '/slow/1')
    const transport = fromLibp2pStream(stream)
    const caller = createChannel({ transport, limits: { queuedBytesMax: 100_000_000 } })
    const header = { version: 1, className: 'set', method: 'get', seq: 0, doneBelow: 0, remainingMs: 20_000 }
    await caller.request(header, new Uint8Array(0))
    transport.pause()
    const server = await accepted.promise
    const calls = Array.from({ length: 100 }, () => caller.request(header, new Uint8Array(200_000)))
    // 40 MB are asked for: the server answers until its queue is full, then reads no more, so that the caller cannot send either.
    await vi.waitFor(() => expect(server.counters().bytesQueued).toBeGreaterThan(limits.queuedBytesMax), patience)
    expect(server.counters().bytesQueued).toBeLessThan(5_000_000)
    expect(caller.counters().bytesQueued).toBeGreaterThan(1_000_000)
    transport.resume()
    for (const result of await Promise.all(calls)) expect(result.byteLength).toBe(resultBytes)
    await caller.close()
  })
})

const patience = { timeout: 10_000, interval: 10 }
