// A chain of three upgrades in real peers: every version is called before, between and after them, whichever runs (R5, R7, R10).

import { causalKeyValue, keyValue, reviewedKeyValue, typedKeyValue } from '@instar/examples'
import { createLocalNetwork, type LocalNetwork, type LocalPeer } from '@instar/local-network'
import { afterEach, describe, expect, test } from 'vitest'
import { fileURLToPath } from 'node:url'
import { fixtureModule } from './fixtures/modules.js'
import { runsEverything } from './fixtures/selection.js'

const moduleOf = (version: number): string =>
  fileURLToPath(new URL(`../packages/examples/src/key-value/v${version}.ts`, import.meta.url))

let network: LocalNetwork
afterEach(() => network.stop())

async function start(names: readonly string[]): Promise<readonly LocalPeer[]> {
  network = await createLocalNetwork({ classes: [moduleOf(1)] })
  return network.startPeers(names)
}

async function publish(via: LocalPeer, version: number, module = moduleOf(version), stable = '0s'): Promise<void> {
  await network.upgrade(via, { modules: [module], schedule: 'manual', stable, retireAfter: '0s' })
}

const serves = (peer: LocalPeer, low: number, high: number) =>
  peer.until(`serves versions ${low} to ${high}`, ({ served }) => served?.[0] === low && served[1] === high)

const until = (peer: LocalPeer, version: number, phase: string) =>
  peer.until(`${version} is ${phase}`, ({ versions }) =>
    versions.some(each => each.version === version && each.phase === phase)
  )

async function callersOf(peer: LocalPeer, deadlineMs = 60_000) {
  const client = await network.client()
  return {
    texts: client.object(keyValue, peer.id, { version: 1, deadlineMs }),
    values: client.object(typedKeyValue, peer.id, { version: 2, deadlineMs }),
    causal: client.object(causalKeyValue, peer.id, { version: 3, deadlineMs }),
    reviewed: client.object(reviewedKeyValue, peer.id, { version: 4, deadlineMs })
  }
}

type Callers = Awaited<ReturnType<typeof callersOf>>

async function answersOf({ texts, values, causal, reviewed }: Callers): Promise<unknown> {
  const keys = await causal.list('', 100)
  return {
    texts: await Promise.all((await texts.list('', 100)).map(async key => [key, await texts.get(key)])),
    values: await values.list('', 100),
    causal: await Promise.all(keys.map(key => causal.get(key))),
    reviewed: [await reviewed.list('', 100), await reviewed.conflicts('', 100)]
  }
}

/** One step at each version, which every other version has to show. */
async function callEach({ texts, values, causal, reviewed }: Callers, round: string): Promise<void> {
  await texts.put(`text/${round}`, 'x')
  await values.put(`number/${round}`, 42, { ttlMs: 1e9 })
  const first = await causal.put(`both/${round}`, 'ours', { context: [] })
  const second = await reviewed.put(`both/${round}`, 'theirs', { context: [] })
  expect((await causal.get(`both/${round}`)).context).toEqual([first, second])
  expect(await texts.get(`both/${round}`)).toBe('theirs')
  expect(await texts.get(`number/${round}`)).toBeNull()
  await texts.put(`both/${round}`, 'mine')
  const { values: writes } = await reviewed.get(`both/${round}`)
  expect(writes.map(({ value }) => value)).toEqual(['ours', 'mine'])
  expect(await reviewed.conflicts(`both/${round}`, 1)).toEqual([`both/${round}`])
}

// Three upgrades with restarts between take their time on a busy machine.
describe('the key-value store', { timeout: 300_000 }, () => {
  test.runIf(runsEverything)(
    'is called at all four versions through three upgrades, a restart and a kill, until the older ones are retired',
    async () => {
      // The second peer runs version 1 until the end: as long as it does, nobody retires what it calls (§14).
      const [peer, other] = (await start(['first', 'other'])) as [LocalPeer, LocalPeer]
      let callers = await callersOf(peer)
      await callers.texts.put('old', 'x')
      for (const version of [2, 3, 4]) await publish(peer, version)
      await serves(peer, 1, 4)
      expect((await callers.causal.get('old')).context).toEqual([0])
      await callEach(callers, 'before')

      for (const version of [2, 3, 4]) {
        const before = await answersOf(callers)
        await peer.control.approve(version)
        await until(peer, version, 'committed')
        expect(await answersOf(callers)).toEqual(before)
        await callEach(callers, `after-${version}`)
        const after = await answersOf(callers)
        if (version === 2) await peer.stop()
        else await peer.kill()
        await peer.start()
        callers = await callersOf(peer)
        expect(await answersOf(callers)).toEqual(after)
      }
      await serves(peer, 1, 4)

      for (const version of [2, 3, 4]) {
        await other.control.approve(version)
        await until(other, version, 'committed')
      }
      await serves(peer, 4, 4)
      const short = await callersOf(peer, 5000)
      await expect(short.texts.get('old')).rejects.toMatchObject({ code: 'Retired' })
      expect((await callers.reviewed.get('old')).values).toEqual([{ version: 0, value: 'x', expiresAt: null }])
      const { context } = await callers.reviewed.get('both/before')
      await callers.reviewed.put('both/before', 'settled', { context })
      expect(await callers.reviewed.conflicts('both/', 100)).toEqual(['both/after-2', 'both/after-3', 'both/after-4'])
    }
  )

  test.runIf(runsEverything)(
    'goes back from its third version with every acknowledged call of all versions, and what expires does (R22)',
    async () => {
      const [peer] = (await start(['alone'])) as [LocalPeer]
      await publish(peer, 2)
      await serves(peer, 1, 2)
      await peer.control.approve(2)
      await until(peer, 2, 'committed')
      await publish(peer, 3, fixtureModule('faulty/key-value-throws-on-trial'), '10m')
      const { values, causal } = await callersOf(peer, 10_000)
      await values.put('number', 42, { ttlMs: 1e9 })
      await peer.until('serves version 3', ({ served }) => served?.[1] === 3)
      await peer.control.approve(3)
      await until(peer, 3, 'trial')
      await causal.put('both', 'ours', { context: [] })
      await causal.put('both', 'theirs', { context: [] })
      await values.put('brief', 'x', { ttlMs: 1 })
      const refused = causal.put('poison', 'x', { context: [] }).catch((error: unknown) => error)
      const status = await until(peer, 3, 'wentBack')
      expect(status.running.version).toBe(2)
      expect(status.versions.find(each => each.version === 3)?.reason).toMatch(/not this key/)
      expect(await refused).toMatchObject({ code: expect.any(String) as string })
      const { values: again } = await callersOf(peer)
      expect([(await again.get('number'))?.value, (await again.get('both'))?.value]).toEqual([42, 'theirs'])
      expect(await again.get('poison')).toBeNull()
      // A millisecond has gone by since.
      expect(await again.get('brief')).toBeNull()
      expect(await again.sweep(10)).toEqual(['brief'])
    }
  )
})
