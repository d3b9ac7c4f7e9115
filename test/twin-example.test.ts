// §8 in real peers: the new state is built beside the version that serves, the upgrade and the way back are one durable write in the
// process that runs, and nothing that was acknowledged is lost, whoever is killed.

import { colorSet, intSet } from '@instar/examples'
import { createLocalNetwork, type LocalNetwork, type LocalPeer } from '@instar/local-network'
import { afterEach, describe, expect, test } from 'vitest'
import { fileURLToPath } from 'node:url'
import { fixtureModule, intSetModule } from './fixtures/modules.js'
import { runsEverything } from './fixtures/selection.js'

const twin = fileURLToPath(new URL('../packages/examples/src/int-set/v2-twin.ts', import.meta.url))

let network: LocalNetwork
afterEach(() => network.stop())

async function start(faults?: string): Promise<LocalPeer> {
  network = await createLocalNetwork({ classes: [intSetModule(1)] })
  const peer = network.addPeer('twin')
  await peer.start(faults === undefined ? {} : { faults })
  return peer
}

async function callersOf(peer: LocalPeer, deadlineMs = 60_000) {
  const client = await network.client()
  return {
    o: client.object(intSet, peer.id, { version: 1, deadlineMs }),
    so: client.object(colorSet, peer.id, { version: 2, deadlineMs })
  }
}

const publish = (via: LocalPeer, module: string, stable = '0s') =>
  network.upgrade(via, { modules: [module], schedule: 'manual', stable, retireAfter: '1h' })
const servesBoth = (peer: LocalPeer) => peer.until('serves version 2', status => status.served?.[1] === 2)
const phaseOf = (version: number, phase: string) => (status: Awaited<ReturnType<LocalPeer['status']>>) =>
  status.versions.some(each => each.version === version && each.phase === phase)

describe('a twin', () => {
  test('is built beside calls, upgraded and committed in the process that runs, with the same answers (R10)', async () => {
    const peer = await start()
    const { o, so } = await callersOf(peer)
    for (let x = 0; x < 200; x++) await o.insert(x)
    await publish(peer, twin)
    let inserted = 200
    const calling = new AbortController()
    const calls = (async () => {
      while (!calling.signal.aborted) {
        await o.insert(inserted++)
        if (inserted % 3 === 0) await o.delete(inserted - 2)
      }
    })()
    await servesBoth(peer)
    calling.abort()
    await calls
    // A4: red is not remembered where version 1 has deleted and inserted again.
    await so.insertColor(1, 'red')
    await o.delete(1)
    await o.insert(1)
    await so.insertColor(2, 'red')
    const answers = async () => {
      const present = await Promise.all(Array.from({ length: inserted }, (_, x) => o.contains(x)))
      const seen = await Promise.all(Array.from({ length: inserted }, (_, x) => so.contains(x)))
      return { present, seen, size: await o.size(), colours: [await so.getColor(1), await so.getColor(2)] }
    }
    const before = await answers()
    expect(before.seen).toEqual(before.present)
    expect(before.size).toBe(before.present.filter(Boolean).length)
    expect(before.colours).toEqual(['blue', 'red'])
    const { pid } = (await peer.until('tells its host', ({ host }) => host.pid !== undefined)).host
    await peer.control.approve(2)
    await peer.until('has committed version 2', phaseOf(2, 'committed'))
    expect(await answers()).toEqual(before)
    expect((await peer.until('tells its host', ({ host }) => host.pid !== undefined)).host.pid).toBe(pid)
  })

  test.each(runsEverything ? [undefined, 'kill-all:before:goingBack@2', 'kill-all:after:goingBack@2'] : [undefined])(
    'goes back by itself when its old side fails on trial, keeps every acknowledged call, and serves on (P2, R22): %s',
    async faults => {
      const peer = await start(faults)
      await publish(peer, fixtureModule('faulty/twin-throws-on-trial'), '10m')
      await servesBoth(peer)
      const { o, so } = await callersOf(peer)
      await peer.control.approve(2)
      await peer.until('is on trial', phaseOf(2, 'trial'))
      await so.insertColor(7, 'red')
      await o.insert(8)
      // It is tried again until its time is over, so that this caller waits in vain.
      const { so: brief } = await callersOf(peer, 3000)
      const refused = brief.insertColor(13, 'green').catch((error: unknown) => error)
      if (faults !== undefined) {
        await peer.ended()
        await peer.start()
        // What killed it had not been heard by its journal, perhaps: whoever calls next finds it out again.
        const again = await callersOf(peer, 5000)
        await again.so.insertColor(13, 'green').catch(() => undefined)
      }
      const status = await peer.until('went back', phaseOf(2, 'wentBack'))
      expect(status.running.version).toBe(1)
      expect(status.versions.find(each => each.version === 2)?.reason).toMatch(/no thirteen today/)
      // Whoever asks on with version 2 is told that it is not served; nothing of the refused call is left.
      expect(await refused).toMatchObject({
        code: expect.stringMatching(/NotYet|DeadlineExceeded|Unreachable/) as unknown
      })
      const { o: old } = await callersOf(peer)
      expect([await old.contains(7), await old.contains(8), await old.contains(13)]).toEqual([true, true, false])
      expect(await old.size()).toBe(2)
    }
  )

  test.runIf(runsEverything).each(['before:preparing@2', 'before:running@2', 'after:trial@2'])(
    'goes on after a kill %s, with every acknowledged call exactly once',
    async moment => {
      const peer = await start(`kill-all:${moment}`)
      await publish(peer, twin)
      await servesBoth(peer)
      const before = await callersOf(peer)
      await before.o.insert(1)
      await before.so.insertColor(2, 'red')
      // The kill may come before the answer.
      await peer.control.approve(2).catch(() => undefined)
      await peer.ended()
      await peer.start()
      // Whether the word was written down is not known.
      await peer.control.approve(2).catch(() => undefined)
      await peer.until('has committed version 2', phaseOf(2, 'committed'))
      const { o, so } = await callersOf(peer)
      expect([await o.contains(1), await o.contains(2), await o.size()]).toEqual([true, true, 2])
      expect([await so.getColor(1), await so.getColor(2)]).toEqual(['blue', 'red'])
    }
  )
})
