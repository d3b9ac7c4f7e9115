import { colorSet, intSet } from '@instar/examples'
import { createLocalNetwork, type LocalNetwork, type LocalPeer } from '@instar/local-network'
import { afterEach, describe, expect, test } from 'vitest'
import { fileURLToPath } from 'node:url'
import { fixtureModule, intSetModule } from './fixtures/modules.js'
import { runsEverything } from './fixtures/selection.js'

const shadowed = fileURLToPath(new URL('../packages/examples/src/int-set/v2-shadowed.ts', import.meta.url))

let network: LocalNetwork
afterEach(() => network.stop())

async function start(): Promise<LocalPeer> {
  network = await createLocalNetwork({ classes: [intSetModule(1)] })
  const [peer] = await network.startPeers(['shadowed', 'still-at-version-1'])
  return peer!
}

async function callersOf(peer: LocalPeer) {
  const client = await network.client()
  return {
    o: client.object(intSet, peer.id, { version: 1, deadlineMs: 60_000 }),
    so: client.object(colorSet, peer.id, { version: 2, deadlineMs: 60_000 })
  }
}

const publish = (via: LocalPeer, module: string) =>
  network.upgrade(via, { modules: [module], schedule: 'manual', stable: '0s', retireAfter: '1h' })

describe('an upgrade in the shadowed model', () => {
  test.runIf(runsEverything)(
    'keeps red true while calls of version 1 change it, and counts for version 1 after the upgrade',
    async () => {
      const peer = await start()
      await publish(peer, shadowed)
      await peer.until('serves version 2', status => status.served?.[1] === 2)
      const why = await peer.control.why()
      expect(why.facades).toEqual([
        { version: 1, role: 'object', state: 'managed' },
        { version: 2, role: 'future', model: 'shadowed' }
      ])
      expect(why.versions.find(each => each.version === 2)?.back).toContain('NONE')
      const { o, so } = await callersOf(peer)
      await so.insertColor(1, 'red')
      expect([await o.contains(1), await so.getColor(1)]).toEqual([true, 'red'])
      await o.delete(1)
      await o.insert(1)
      expect(await so.getColor(1)).toBe('blue')
      await so.insertColor(2, 'green')
      const answers = () => Promise.all([o.size(), o.contains(1), so.getColor(1), so.getColor(2)])
      const before = await answers()
      expect(before).toEqual([2, true, 'blue', 'green'])
      await peer.control.approve(2)
      await peer.until('runs version 2', status => status.running.version === 2)
      expect(await answers()).toEqual(before)
      await so.insertColor(3, 'red')
      await o.delete(2)
      expect(await o.size()).toBe(2)
    }
  )

  test('loses its version and no call when a shadow throws, and says why to whoever asks (P2)', async () => {
    const peer = await start()
    await publish(peer, fixtureModule('faulty/shadow-throws'))
    await peer.until('serves version 2', status => status.served?.[1] === 2)
    const { o } = await callersOf(peer)
    await o.insert(1)
    expect(await o.contains(1)).toBe(true)
    const status = await peer.until('has withdrawn version 2', ({ versions }) =>
      versions.some(each => each.version === 2 && each.phase === 'introduceFailed')
    )
    expect(status.versions.find(each => each.version === 2)?.reason).toMatch(
      /ColorSet \(version 2\) failed in \$insert: no shadow today/
    )
    await peer.until('serves version 1 only', ({ served }) => served?.[1] === 1)
    await o.insert(2)
    expect(await o.size()).toBe(2)
  })
})
