import { createLocalNetwork, type LocalNetwork, type LocalPeer } from '@instar/local-network'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { counter } from './fixtures/counter.js'
import { fixtureModule } from './fixtures/modules.js'
import { runsEverything } from './fixtures/selection.js'

let network: LocalNetwork
beforeEach(async () => {
  network = await createLocalNetwork({ classes: [fixtureModule('counter')] })
})
afterEach(() => network.stop())

const deadlineMs = 60_000

/** Starts a peer whose host dies, once, when it has committed its n-th command and has not answered it. */
async function startDoomed(name: string, command: number): Promise<LocalPeer> {
  const peer = network.addPeer(name)
  await peer.start({ faults: `kill-host:after:command:${command}` })
  return peer
}

const hostRestarts = async (peer: LocalPeer) => (await peer.status()).host.restarts

describe('a command whose host was killed between commit and answer', () => {
  const places = [
    ['the first of its session', 1],
    ['a later one of its session', 3]
  ] as const
  test.each(runsEverything ? places : places.slice(0, 1))(
    'runs once and is answered once when it is %s',
    async (_, count) => {
      const peer = await startDoomed('doomed', count)
      const client = await network.client()
      const object = client.object(counter, peer.id, { version: 1, deadlineMs })
      for (let i = 1; i <= count; i++) {
        expect(await hostRestarts(peer)).toBe(0)
        expect(await object.increment()).toBe(i)
      }
      expect(await hostRestarts(peer)).toBe(1)
      expect(await object.value()).toBe(count)
      // The session goes on in the new host.
      expect(await object.increment()).toBe(count + 1)
      expect(client.counters).toMatchObject({ failed: 0, sessionsRenewed: 0 })
    }
  )

  test('runs once also when many are under way, and each gets its own answer', async () => {
    const peer = await startDoomed('busy', 40)
    const client = await network.client()
    const object = client.object(counter, peer.id, { version: 1, deadlineMs })
    const answers = await Promise.all(Array.from({ length: 100 }, () => object.increment()))
    expect([...answers].sort((a, b) => a - b)).toEqual(Array.from({ length: 100 }, (_, i) => i + 1))
    expect(await hostRestarts(peer)).toBe(1)
    expect(await object.value()).toBe(100)
  })

  test.runIf(runsEverything)('runs once when another peer made the call', async () => {
    const caller = network.addPeer('caller')
    await caller.start()
    const peer = await startDoomed('called', 1)
    const increment = { method: 'increment', args: [], timeoutMs: deadlineMs, peer: peer.id }
    expect(await caller.control.call(increment)).toMatchObject({ result: 1 })
    expect(await hostRestarts(peer)).toBe(1)
    expect(await caller.control.call(increment)).toMatchObject({ result: 2 })
  })
})
