import { encodeTicket } from '@instar/core'
import { command, defineContract, query } from '@instar/simulator-runtime'
import { generateKeyPair } from '@libp2p/crypto/keys'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { z } from 'zod'
import { firstTimes, network, startFakePeer, type FakePeer } from '../test/fake-peer.js'
import type { Client } from './client.js'
import { connect, type ConnectOptions } from './connect.js'

const contract = defineContract('set', {
  insert: command(z.tuple([z.number()]), z.array(z.number())),
  contains: query(z.tuple([z.number()]), z.array(z.number()))
})

const running: (() => Promise<void>)[] = []
afterEach(async () => {
  for (const stop of running.splice(0).reverse()) await stop()
})

async function peer(...init: Parameters<typeof startFakePeer>): Promise<FakePeer> {
  const started = await startFakePeer(...init)
  running.push(() => started.stop())
  return started
}

async function clientOf(peers: readonly FakePeer[], options: ConnectOptions = {}): Promise<Client> {
  const addresses = peers.map(each => each.address)
  const client = await connect({ network, addresses, timeouts: { reconnectMs: 30 }, ...options })
  running.push(() => client.close())
  return client
}

/** Until the client is connected to all of them. */
async function knowsAll(client: Client, count: number): Promise<void> {
  await vi.waitFor(() => expect(client.peers().filter(each => each.connected)).toHaveLength(count))
}

describe('a client', () => {
  it('connects by ticket and calls an object as its contract says', async () => {
    const one = await peer()
    const client = await connect({ ticket: encodeTicket({ network, addresses: [one.address] }) })
    running.push(() => client.close())
    const set = client.object(contract, one.peerId, { version: 1 })
    expect(await set.insert(7)).toEqual([7])
    expect(await set.contains(8)).toEqual([8])
    expect(one.executed).toMatchObject([
      { header: { version: 1, className: 'set', method: 'insert', seq: 1, doneBelow: 1 }, args: [7] },
      { header: { method: 'contains', seq: 0 }, args: [8] }
    ])
    expect(one.executed[1]?.header.session).toBeUndefined()
    expect(client.counters).toMatchObject({ calls: 2, answered: 2, retries: 0 })
  })

  it('waits for a version that is not introduced yet, and counts its retries', async () => {
    const one = await peer()
    one.refuse = firstTimes(3, ['NotYet', { message: 'not yet', retryAfterMs: 5 }])
    const client = await clientOf([one])
    expect(await client.object(contract, one.address, { version: 2 }).insert(1)).toEqual([1])
    expect(client.counters).toMatchObject({ retries: 3, byCode: { NotYet: 3 } })
  })

  it('runs a command once although its answers are lost', async () => {
    const one = await peer()
    const client = await clientOf([one])
    const set = client.object(contract, one.peerId, { version: 1 })
    one.loseAnswer = firstTimes(2, ['Upgrading', { message: 'killed', executed: 'unknown' }])
    expect(await set.insert(1)).toEqual([1])
    expect(one.executed).toHaveLength(1)
  })

  it('reconnects when a stream breaks under a call', async () => {
    const one = await peer()
    const client = await clientOf([one])
    const set = client.object(contract, one.peerId, { version: 1 })
    await set.insert(0)
    one.loseAnswer = () => {
      one.loseAnswer = () => undefined
      one.cut()
      return undefined
    }
    expect(await set.insert(1)).toEqual([1])
    expect(one.executed).toHaveLength(2)
    expect(client.counters.byCode.Unreachable).toBeGreaterThan(0)
  })

  it('finds a peer again that was killed and came back at the same place', async () => {
    const identity = await generateKeyPair('Ed25519')
    const first = await startFakePeer({ identity })
    const client = await clientOf([first])
    const set = client.object(contract, first.peerId, { version: 1 })
    await set.insert(0)
    await first.stop()
    const call = set.insert(1)
    const again = await peer({ identity, port: Number(/tcp\/(\d+)/.exec(first.address)?.[1]) })
    expect(await call).toEqual([1])
    expect(again.executed).toHaveLength(1)
  })

  it('has one clear error for a network that is another one, and for one that does not answer', async () => {
    const one = await peer()
    const other = { network: 'cd'.repeat(32), addresses: [one.address] }
    await expect(connect(other)).rejects.toMatchObject({ code: 'WrongNetwork' })
    const nowhere = `/ip4/127.0.0.1/tcp/1/p2p/${one.peerId}`
    await expect(connect({ network, addresses: [nowhere] })).rejects.toMatchObject({ code: 'Unreachable' })
    await expect(connect({ network, addresses: ['/ip4/127.0.0.1/tcp/1'] })).rejects.toMatchObject({ code: 'BadInput' })
    await expect(connect({ ticket: 'instar1nonsense' })).rejects.toMatchObject({ code: 'BadTicket' })
    await expect(connect({})).rejects.toMatchObject({ code: 'BadInput' })
  })

  it('hears of more peers from those that it knows', async () => {
    const far = await peer()
    const near = await peer({ addresses: [far.address] })
    const client = await clientOf([near])
    await knowsAll(client, 2)
    expect(await client.object(contract, far.peerId, { version: 1 }).insert(1)).toEqual([1])
  })

  it('makes untyped calls, each in a session of its own, at the class and version that the peer runs', async () => {
    const one = await peer({ class: 'set', running: 3 })
    const client = await clientOf([one])
    expect(await client.call(one.peerId, { method: 'insert', args: [1, 'x'] })).toEqual([1, 'x'])
    await client.call(one.peerId, { method: 'insert', args: [2] })
    const headers = one.executed.map(({ header }) => header)
    expect(headers).toMatchObject([{ version: 3, className: 'set', seq: 1 }, { seq: 1 }])
    expect(headers[0]?.session).not.toBe(headers[1]?.session)
    one.refuse = firstTimes(1, ['NotYet', { message: 'not yet', served: [1, 3] }])
    const once = client.call(one.peerId, { method: 'insert', args: [], version: 9, retry: false })
    await expect(once).rejects.toMatchObject({ code: 'NotYet', detail: { served: [1, 3] } })
  })

  it('says what cannot be sent', async () => {
    const one = await peer()
    const client = await clientOf([one])
    const call = client.call(one.peerId, { method: 'insert', args: [() => 1] })
    await expect(call).rejects.toMatchObject({ code: 'InvalidInput' })
  })
})

describe('any live peer', () => {
  it('is one that serves the version, and takes turns', async () => {
    const peers = [await peer({ served: [1, 1] }), await peer({ served: [1, 2] }), await peer({ served: [2, 2] })]
    const client = await clientOf(peers)
    await knowsAll(client, 3)
    const set = client.any(contract, { version: 2 })
    for (let i = 0; i < 4; i++) await set.contains(i)
    expect(peers.map(each => each.executed.length)).toEqual([0, 2, 2])
    peers[0]?.tell({ served: [1, 2] })
    await vi.waitFor(() => expect(client.peers().filter(each => each.hello?.served?.[1] === 2)).toHaveLength(3))
  })

  it('is another one when the first certainly did not run the call', async () => {
    const [one, two] = [await peer(), await peer()]
    const client = await clientOf([one, two])
    await knowsAll(client, 2)
    one.refuse = two.refuse = firstTimes(1, ['Retired', { message: 'gone' }])
    expect(await client.any(contract, { version: 1 }).insert(1)).toEqual([1])
    expect(one.executed.length + two.executed.length).toBe(1)
  })

  it('stays the same for a command that may have run there, and not for a query', async () => {
    const [one, two] = [await peer(), await peer()]
    const client = await clientOf([one, two])
    await knowsAll(client, 2)
    const set = client.any(contract, { version: 1 })
    one.loseAnswer = two.loseAnswer = firstTimes(1, ['Upgrading', { message: 'killed', executed: 'unknown' }])
    await set.insert(1)
    expect(one.executed.length + two.executed.length).toBe(1)
    one.loseAnswer = two.loseAnswer = firstTimes(1, ['Upgrading', { message: 'killed', executed: 'unknown' }])
    await set.contains(1)
    expect([one.executed.length, two.executed.length].every(count => count > 0)).toBe(true)
  })

  it('gives up with the reason when no peer serves the version', async () => {
    const one = await peer()
    one.refuse = firstTimes(99, ['Retired', { message: 'version 1 is retired here' }])
    const client = await clientOf([one])
    const call = client.any(contract, { version: 1, deadlineMs: 200 }).insert(1)
    await expect(call).rejects.toMatchObject({ code: 'Retired', detail: { executed: 'no' } })
  })
})
