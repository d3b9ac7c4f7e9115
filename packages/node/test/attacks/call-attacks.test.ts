import { CallError } from '@instar/core'
import {
  createChannel,
  defaultChannelLimits,
  encodeHello,
  fromLibp2pStream,
  rpcProtocol,
  type Channel,
  type Hello
} from '@instar/rpc'
import { multiaddr } from '@multiformats/multiaddr'
import type { Stream } from '@libp2p/interface'
import { pino } from 'pino'
import { afterEach, expect, test, vi } from 'vitest'
import { createRefusals } from '../../src/overlay/refusals.js'
import { call, network, startCaller, stopCallers, type Caller } from '../callers.js'

afterEach(stopCallers)

const hello: Hello = { format: { min: 1, max: 1 }, network, role: 'client', versions: [], instar: '0.0.0' }
const header = { version: 1, className: 'set', method: 'insert', seq: 0, doneBelow: 0, remainingMs: 60_000 }

async function startVictim(init: Parameters<typeof startCaller>[0] = {}) {
  const refusals = createRefusals({ log: pino({ level: 'silent' }) })
  const victim = await startCaller({ refusals, ...init })
  const counts = () => Object.fromEntries(refusals.all().map(({ reason, count }) => [reason, count]))
  return { victim, counts }
}

/** A stream to the victim on which the test says what it likes. */
async function openStream(attacker: Caller, victim: Caller): Promise<Stream> {
  const connection = await attacker.node.dial(victim.node.getMultiaddrs().map(each => multiaddr(each.toString())))
  return connection.newStream(rpcProtocol)
}

/** A channel that has said hello. */
async function openChannel(attacker: Caller, victim: Caller): Promise<{ channel: Channel; stream: Stream }> {
  const stream = await openStream(attacker, victim)
  const greeted = Promise.withResolvers<undefined>()
  const channel = createChannel({
    transport: fromLibp2pStream(stream),
    onHello: () => greeted.resolve(undefined)
  })
  channel.sendHello(encodeHello(hello))
  await greeted.promise
  return { channel, stream }
}

const answers = async (peer: Caller, by: Caller) =>
  expect(Buffer.from(await by.rpc.call(call(peer.id))).toString()).toBe('x')

test('a slow reader of large answers is cut off at its bound, and others are answered meanwhile', async () => {
  const callerLimits = { bytesMax: 8 * 1024 * 1024 }
  const large = Buffer.alloc(1024 * 1024)
  const { victim, counts } = await startVictim({
    callerLimits,
    host: { call: async (_, body) => (body.length === 0 ? large : body) }
  })
  const [attacker, friend] = [await startCaller(), await startCaller()]
  // More than one channel is more than one bound of a channel, and the caller's own all the same.
  const channels = await Promise.all(Array.from({ length: 4 }, () => openChannel(attacker, victim)))
  for (const { stream } of channels) stream.pause()
  const asked = channels.flatMap(({ channel }) =>
    Array.from({ length: 20 }, () => channel.request(header, new Uint8Array(0)).catch((error: unknown) => error))
  )
  await vi.waitFor(() => expect(counts()['SlowReader']).toBeGreaterThan(0))
  await answers(victim, friend)
  for (const { channel } of channels) channel.abort('done')
  expect((await Promise.all(asked)).some(each => each instanceof CallError)).toBe(true)
})

test('a caller with many channels runs no more calls at once than with one, and others run theirs', async () => {
  const gate = Promise.withResolvers<Uint8Array>()
  let running = 0
  const { victim, counts } = await startVictim({
    callerLimits: { servingMax: 10 },
    host: { call: async (_, body) => (body.length === 0 ? (running++, gate.promise) : body) }
  })
  const [attacker, friend] = [await startCaller(), await startCaller()]
  const channels = await Promise.all(Array.from({ length: 5 }, () => openChannel(attacker, victim)))
  const asked = channels.flatMap(({ channel }) =>
    Array.from({ length: 10 }, () => channel.request(header, new Uint8Array(0)).catch((error: unknown) => error))
  )
  await vi.waitFor(() => expect(counts()['Busy']).toBe(40))
  expect(running).toBe(10)
  await answers(victim, friend)
  gate.resolve(Buffer.from('late'))
  expect((await Promise.all(asked)).filter(each => each instanceof Uint8Array)).toHaveLength(10)
})

test('a peer that never answers costs its callers their deadline, and calls to others nothing', async () => {
  const { victim } = await startVictim({ host: { call: () => new Promise(() => undefined) } })
  const [caller, friend] = [await startCaller(), await startCaller()]
  const stuck = Array.from({ length: 100 }, () => caller.rpc.call(call(victim.id, Buffer.from('x'), 700)))
  const outcomes = Promise.allSettled(stuck)
  for (let i = 0; i < 20; i++) await answers(friend, caller)
  for (const outcome of await outcomes)
    expect(outcome).toMatchObject({ status: 'rejected', reason: { code: 'DeadlineExceeded' } })
})

test('a peer that takes the connection and never says hello is given up, and calls to others go on', async () => {
  const mute = await startCaller()
  await mute.node.unhandle(rpcProtocol)
  await mute.node.handle(rpcProtocol, () => undefined)
  const [caller, friend] = [await startCaller(), await startCaller()]
  const stuck = caller.rpc.call(call(mute.id, Buffer.from('x'), 500)).catch((error: unknown) => error)
  for (let i = 0; i < 20; i++) await answers(friend, caller)
  expect(await stuck).toMatchObject({ code: expect.stringMatching(/DeadlineExceeded|Unreachable/) as string })
})

test('an oversize frame, a bad header and a flood of hellos end the channel at once, and no other', async () => {
  const { victim, counts } = await startVictim()
  const [attacker, friend] = [await startCaller(), await startCaller()]
  const oversize = await openChannel(attacker, victim)
  const head = Buffer.alloc(9)
  head.writeUInt32BE(defaultChannelLimits.frameBytesMax + 6)
  oversize.stream.send(head)
  expect(await oversize.channel.closed).toMatchObject({ code: 'broken' })
  const flood = await openChannel(attacker, victim)
  for (let i = 0; i < 2 * defaultChannelLimits.hellosAtOnce; i++) flood.channel.sendHello(encodeHello(hello))
  expect(await flood.channel.closed).toMatchObject({ code: 'broken' })
  expect(counts()).toEqual({ protocol: 2 })
  await answers(victim, friend)
})

test.each([
  ['oversized', Buffer.alloc(20_000, 0x20)],
  ['deeply nested', Buffer.from(`{"heads":${'['.repeat(5000)}${']'.repeat(5000)}}`)],
  ['many-keyed', Buffer.from(`{${Array.from({ length: 2500 }, (_, i) => `"${i}":1`).join()}}`)]
])('a hello that is %s is refused unparsed, and its sender told so', async (_what, payload) => {
  const { victim } = await startVictim()
  const [attacker, friend] = [await startCaller(), await startCaller()]
  const channel = createChannel({ transport: fromLibp2pStream(await openStream(attacker, victim)) })
  channel.sendHello(payload)
  expect(await channel.closed).toMatchObject({ code: 'goodbye', goodbye: { code: 'BadInput' } })
  await answers(victim, friend)
})
