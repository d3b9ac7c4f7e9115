import { noise } from '@chainsafe/libp2p-noise'
import type { MessageStream, Stream, StreamMuxer, StreamMuxerFactory } from '@libp2p/interface'
import { tcp } from '@libp2p/tcp'
import fc from 'fast-check'
import { createLibp2p } from 'libp2p'
import { afterEach, describe, expect, test, vi } from 'vitest'
import { connectionParts } from './connection-parts.js'
import { createFrameInspector } from './frame-guard.js'
import { connectionLimits } from './limits.js'

const protocol = '/test/1'
const data = 0
const windowUpdate = 1
const ping = 2

function frameHead(type: number, flags: number, stream: number, length: number): Buffer {
  const head = Buffer.alloc(12)
  head[1] = type
  head.writeUInt16BE(flags, 2)
  head.writeUInt32BE(stream, 4)
  head.writeUInt32BE(length, 8)
  return head
}

const running: Array<() => void | Promise<void>> = []
afterEach(async () => {
  for (const stop of running.splice(0)) await stop()
})

/** A node that answers each message with itself, and one that has talked with it. */
async function startVictim() {
  const victim = await createLibp2p({
    addresses: { listen: ['/ip4/127.0.0.1/tcp/0'] },
    ...connectionParts(),
    connectionMonitor: { enabled: false }
  })
  running.push(() => victim.stop())
  await victim.handle(protocol, stream => {
    stream.addEventListener('message', ({ data: bytes }) => stream.send(bytes))
  })
  const friend = await createLibp2p({ ...connectionParts(), connectionMonitor: { enabled: false } })
  running.push(() => friend.stop())
  const stream = await friend.dialProtocol(victim.getMultiaddrs(), protocol)
  return { victim, echo: () => echoed(stream) }
}

function echoed(stream: Stream): Promise<number> {
  return new Promise((resolve, reject) => {
    stream.addEventListener('message', ({ data: bytes }) => resolve(bytes.byteLength), { once: true })
    stream.addEventListener('close', ({ error }) => reject(error ?? new Error('closed')))
    stream.send(Buffer.from('hello'))
  })
}

/** Connects with a secured connection on which it writes what it likes, in place of a muxer. */
async function attack(victim: Awaited<ReturnType<typeof createLibp2p>>): Promise<MessageStream> {
  const secured = Promise.withResolvers<MessageStream>()
  const muxer: Partial<StreamMuxer> = {
    protocol: '/yamux/1.0.0',
    status: 'open',
    streams: [],
    addEventListener() {},
    abort() {}
  }
  const factory: StreamMuxerFactory = {
    protocol: '/yamux/1.0.0',
    createStreamMuxer(connection) {
      secured.resolve(connection)
      return muxer as StreamMuxer
    }
  }
  const attacker = await createLibp2p({
    transports: [tcp()],
    connectionEncrypters: [noise()],
    streamMuxers: [() => factory],
    connectionMonitor: { enabled: false }
  })
  running.push(() => Promise.race([attacker.stop(), new Promise<void>(resolve => setTimeout(resolve, 100))]))
  await attacker.dial(victim.getMultiaddrs())
  return secured.promise
}

describe('attacks below all protocols', () => {
  test('a frame that says it has 4 GiB ends the connection at its header, and no other', async () => {
    const { victim, echo } = await startVictim()
    const connection = await attack(victim)
    await vi.waitFor(() => expect(victim.getConnections()).toHaveLength(2))
    connection.send(frameHead(data, 1, 1, 0xffff_ffff))
    await vi.waitFor(() => expect(victim.getConnections()).toHaveLength(1))
    expect(await echo()).toBe(5)
  })

  test('a flood of pings whose pongs are not read ends the connection, and no other', async () => {
    const { victim, echo } = await startVictim()
    const connection = await attack(victim)
    await vi.waitFor(() => expect(victim.getConnections()).toHaveLength(2))
    connection.pause()
    const flood = Buffer.concat(
      Array.from({ length: connectionLimits.opensAtOnce * 2 }, (_, id) => frameHead(ping, 1, 0, id))
    )
    connection.send(flood)
    await vi.waitFor(() => expect(victim.getConnections()).toHaveLength(1))
    expect(await echo()).toBe(5)
  })

  test('streams that never name a protocol are reset beyond a few', async () => {
    const { victim, echo } = await startVictim()
    const connection = await attack(victim)
    await vi.waitFor(() => expect(victim.getConnections()).toHaveLength(2))
    for (let i = 0; i < 200; i++) connection.send(frameHead(windowUpdate, 1, 1 + 2 * i, 0))
    const streams = () => Math.max(...victim.getConnections().map(each => each.streams.length))
    await vi.waitFor(() => expect(streams()).toBe(connectionLimits.inboundStreamsMax))
    expect(await echo()).toBe(5)
    expect(streams()).toBe(connectionLimits.inboundStreamsMax)
  })
})

describe('the inspector of frames', () => {
  const honest = Buffer.concat([
    frameHead(windowUpdate, 1, 1, 0),
    frameHead(data, 0, 1, 70_000),
    // What looks like the head of a bad frame is the body of a good one.
    Buffer.concat([frameHead(data, 0, 1, 0xffff_ffff), Buffer.alloc(70_000 - 12)]),
    frameHead(ping, 2, 0, 0),
    frameHead(data, 4, 1, 0),
    frameHead(data, 0, 3, connectionLimits.windowBytesMax)
  ])

  test('finds nothing wrong with honest frames, however they are cut', () => {
    fc.assert(
      fc.property(fc.array(fc.nat(honest.length), { maxLength: 8 }), cuts => {
        const inspect = createFrameInspector(() => 0)
        const at = [0, ...cuts.sort((a, b) => a - b), honest.length]
        const pieces = at.slice(1).map((end, i) => honest.subarray(at[i], end))
        expect(inspect(pieces)).toBeUndefined()
      })
    )
  })

  test('finds a frame that is longer than its window, wherever it begins', () => {
    const bad = frameHead(data, 0, 3, connectionLimits.windowBytesMax + 1)
    const body = Buffer.concat([frameHead(data, 0, 1, 5), Buffer.alloc(5)])
    expect(createFrameInspector(() => 0)([body, bad.subarray(0, 5), bad.subarray(5)])).toMatch(/at most 4194304/)
  })

  test('lets so many streams be opened a second, and no more', () => {
    let time = 0
    const inspect = createFrameInspector(() => time)
    const opened = (count: number): number => {
      for (let i = 0; i < count; i++) if (inspect(frameHead(windowUpdate, 1, 1, 0)) !== undefined) return i
      return count
    }
    expect(opened(5000)).toBe(connectionLimits.opensAtOnce)
    time = 2000
    expect(opened(5000)).toBe(2 * connectionLimits.opensPerSecond)
  })
})
