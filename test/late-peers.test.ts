import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { decodeJournal } from '@instar/core'
import { colorSet, countingColorSet, intSet } from '@instar/examples'
import { createLocalNetwork, type LocalNetwork, type LocalPeer } from '@instar/local-network'
import { afterEach, describe, expect, test } from 'vitest'
import { intSetModule } from './fixtures/modules.js'
import { runsEverything } from './fixtures/selection.js'

let network: LocalNetwork | undefined
afterEach(() => network?.stop())

/** Peers that are down hold back the others for so long (§1); by default it is ten minutes. */
const timing = { introduceGraceMs: 1_000, lookEveryMs: 500 }
const deadlineMs = 60_000

async function recordsOf(peer: LocalPeer, ...types: readonly string[]) {
  const journal = decodeJournal(await readFile(join(peer.dataDirectory, 'journal')))
  return journal.outcome === 'damaged' ? [] : journal.records.filter(({ type }) => types.includes(type))
}

/** Of the journal, in its order: where the object began, and each version that it has run since. */
async function versionsRun(peer: LocalPeer): Promise<number[]> {
  const records = await recordsOf(peer, 'joined', 'running')
  return records.map(({ body }) => (body as { version: number }).version)
}

const settledAt = (peer: LocalPeer, version: number) =>
  peer.until(
    `has committed version ${version}`,
    ({ running, floor }) => running.version === version && floor === version
  )

describe('a peer that was down', () => {
  test('comes back two versions late, takes both in order in one switch, and has the state that it would have had', async () => {
    network = await createLocalNetwork({ classes: [intSetModule(1)] })
    const [here, twin, late] = await network.startPeers(['here', 'twin', 'late'], { timing })
    const client = await network.client()
    const both = [twin!, late!]
    const at1 = (peer: LocalPeer) => client.object(intSet, peer.id, { version: 1, deadlineMs })
    const at2 = (peer: LocalPeer) => client.object(colorSet, peer.id, { version: 2, deadlineMs })
    const at3 = (peer: LocalPeer) => client.object(countingColorSet, peer.id, { version: 3, deadlineMs })

    for (const set of both.map(at1)) {
      for (const x of [1, 2, 3, 4]) await set.insert(x)
      await set.delete(2)
    }
    await late!.kill()

    for (const version of [2, 3] as const) {
      await network.upgrade(here!, { modules: [intSetModule(version)], stable: '0s' })
      await Promise.all([here!, twin!].map(peer => settledAt(peer, version)))
    }
    expect(await versionsRun(twin!)).toEqual([1, 2, 3])
    expect(await versionsRun(late!)).toEqual([1])

    await late!.start()
    await settledAt(late!, 3)
    // In one switch: the others have committed both (§14).
    expect((await recordsOf(late!, 'walk')).map(({ body }) => body)).toMatchObject([{ from: 1, version: 3 }])
    expect(await versionsRun(late!)).toEqual([1, 3])
    expect((await late!.status()).served).toEqual((await twin!.status()).served)

    // Nothing that can be asked tells the two apart, neither now nor after the same calls at all versions.
    const answers = async (peer: LocalPeer) => ({
      version1: await Promise.all([1, 2, 3, 4, 5].map(x => at1(peer).contains(x))),
      version2: await Promise.all([1, 3, 4].map(x => at2(peer).getColor(x))),
      version3: await at3(peer).countByColor()
    })
    expect(await answers(late!)).toEqual(await answers(twin!))
    expect(await answers(late!)).toEqual({
      version1: [true, false, true, true, false],
      version2: ['blue', 'blue', 'blue'],
      version3: { blue: 3 }
    })
    for (const peer of both) {
      await at1(peer).insert(5)
      await at2(peer).insertColor(4, 'red')
      await at3(peer).insertColor(3, 'green')
      await at1(peer).delete(1)
    }
    expect(await answersAfter(late!)).toEqual(await answersAfter(twin!))
    expect(await answersAfter(late!)).toEqual([{ blue: 1, green: 1, red: 1 }, 'red', 'green', 'blue', false])

    async function answersAfter(peer: LocalPeer) {
      const set = at3(peer)
      return [
        await set.countByColor(),
        await set.getColor(4),
        await set.getColor(3),
        await set.getColor(5),
        await set.contains(1)
      ]
    }
  })
})

describe('a new peer', () => {
  test.runIf(runsEverything)(
    'joins a mixed network at the newest committed version, serves all live ones, and takes part in the rest',
    async () => {
      network = await createLocalNetwork({ classes: [intSetModule(1)] })
      const [ahead, behind] = await network.startPeers(['ahead', 'behind'], { timing })
      const before = await network.client()
      await before.object(intSet, behind!.id, { version: 1, deadlineMs }).insert(1)
      await network.upgrade(ahead!, { modules: [intSetModule(2)], schedule: 'manual', stable: '0s' })
      await behind!.until('has heard of version 2', status => status.newest === 2)
      await ahead!.control.approve(2)
      await settledAt(ahead!, 2)
      await behind!.until('sees the other at version 2', status => status.peers.some(peer => peer.floor === 2))

      const newcomer = network.addPeer('newcomer')
      await newcomer.start({ timing })
      const joined = await newcomer.until('serves', status => status.served !== undefined)
      expect(joined).toMatchObject({ running: { version: 2 }, floor: 2, newest: 2, served: [1, 2] })
      expect((await behind!.status()).running.version).toBe(1)
      expect(await versionsRun(newcomer)).toEqual([2])

      // Its object is a new one, for callers of either version.
      const client = await network.client()
      const old = client.object(intSet, newcomer.id, { version: 1, deadlineMs })
      const young = client.object(colorSet, newcomer.id, { version: 2, deadlineMs })
      expect(await old.contains(1)).toBe(false)
      await young.insertColor(7, 'red')
      expect(await old.contains(7)).toBe(true)
      await old.insert(8)
      expect(await young.getColor(8)).toBe('blue')

      // The next version goes everywhere, also to the one that is two behind; the newcomer counts like anyone.
      await network.upgrade(newcomer, { modules: [intSetModule(3)], stable: '0s' })
      await Promise.all([ahead!, newcomer].map(peer => settledAt(peer, 3)))
      expect((await behind!.status()).running.version).toBe(1)
      expect(await versionsRun(newcomer)).toEqual([2, 3])
      const newest = client.object(countingColorSet, newcomer.id, { version: 3, deadlineMs })
      expect(await newest.countByColor()).toEqual({ red: 1, blue: 1 })
      expect(await old.contains(8)).toBe(true)

      await behind!.control.approve(2)
      await settledAt(behind!, 3)
      const all = await newcomer.until(
        'sees everyone at version 3',
        status => status.peers.length === 2 && status.peers.every(peer => peer.floor === 3)
      )
      expect(all.served).toEqual([1, 3])
      expect(await client.object(countingColorSet, behind!.id, { version: 3, deadlineMs }).countByColor()).toEqual({
        blue: 1
      })
    }
  )
})
