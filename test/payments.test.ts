import { createLocalNetwork, type LocalNetwork, type LocalPeer } from '@instar/local-network'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { branch } from './fixtures/branch.js'
import { fixtureModule } from './fixtures/modules.js'
import { runsEverything } from './fixtures/selection.js'

let network: LocalNetwork
let client: Awaited<ReturnType<LocalNetwork['client']>>

beforeEach(async () => {
  network = await createLocalNetwork({ classes: [fixtureModule('branch')] })
})
afterEach(() => network.stop())

const at = (peer: LocalPeer, version = 1) => client.object(branch, peer.id, { version, deadlineMs: 60_000 })
const delivered = (peer: LocalPeer, count: number) =>
  peer.until(`has delivered ${count}`, ({ host }) => host.outbox?.delivered === count)

async function start(name: string, faults?: string): Promise<LocalPeer> {
  const peer = network.addPeer(name)
  await peer.start(faults === undefined ? {} : { faults })
  return peer
}

describe('a call that a command left for after its commit', () => {
  const killed = [
    ['the sending host', 'kill-host:after:command:1', undefined],
    ['the receiving host', undefined, 'kill-host:after:command:1']
  ] as const
  test.each(runsEverything ? killed : killed.slice(0, 1))(
    'runs once when %s is killed between commit and answer',
    async (_, atSender, atReceiver) => {
      const sender = await start('sender', atSender)
      const receiver = await start('receiver', atReceiver)
      client = await network.client()
      expect(await at(sender).pay(receiver.id, 5)).toBe(-5)
      expect(await at(sender).pay(receiver.id, 6)).toBe(-11)
      await delivered(sender, 2)
      expect(await at(receiver).balance()).toBe(11)
      expect(await at(sender).balance()).toBe(-11)
      const restarts = await Promise.all([sender, receiver].map(async peer => (await peer.status()).host.restarts))
      expect(restarts[0]! + restarts[1]!).toBe(1)
    }
  )

  test.runIf(runsEverything)('waits for a receiver that is away, also through the death of its sender', async () => {
    // Ports change with a restart: somebody has to stay, for the two to find each other.
    await start('meeting-place')
    const sender = await start('sender')
    const receiver = await start('receiver')
    client = await network.client()
    await receiver.kill()
    expect(await at(sender).pay(receiver.id, 5)).toBe(-5)
    await sender.kill()
    await sender.start()
    await sender.until('has the call still', ({ host }) => host.outbox?.waiting === 1)
    await receiver.start()
    await delivered(sender, 1)
    expect(await at(receiver).balance()).toBe(5)
    expect(await at(sender).balance()).toBe(-5)
  })
})

test.runIf(runsEverything)(
  'a flow whose host is killed when it has ended is answered once, and not run again',
  async () => {
    const from = await start('from', 'kill-host:after:command:1')
    const to = await start('to')
    client = await network.client()
    expect(await at(from).transfer(to.id, 5)).toBe(5)
    expect((await from.status()).host.restarts).toBe(1)
    expect([await at(from).balance(), await at(to).balance()]).toEqual([-5, 5])
  }
)

test('flows between two peers go on while one after the other is upgraded, without an error and without a loss', async () => {
  const peers = await network.startPeers(['one', 'two'])
  const [one, two] = peers as [LocalPeer, LocalPeer]
  client = await network.client()
  let going = true
  let transfers = 0
  const errors: unknown[] = []
  const transferFrom = async (from: LocalPeer, to: LocalPeer): Promise<void> => {
    while (going) {
      await at(from)
        .transfer(to.id, 1)
        .catch((error: unknown) => errors.push(error))
      transfers++
    }
  }
  const callers = [transferFrom(one, two), transferFrom(two, one), transferFrom(one, two)]
  await network.upgrade(one, {
    command: 'patch',
    modules: [fixtureModule('branch-v2')],
    schedule: 'rolling:1',
    stable: '0s',
    retireAfter: '1h'
  })
  for (const peer of peers) await peer.until('runs version 2', status => status.running.version === 2)
  const atTheEnd = transfers
  while (transfers < atTheEnd + 10 && errors.length === 0) await new Promise(resolve => setImmediate(resolve))
  going = false
  await Promise.all(callers)
  expect(errors).toEqual([])
  expect((await at(one).balance()) + (await at(two).balance())).toBe(0)
})
