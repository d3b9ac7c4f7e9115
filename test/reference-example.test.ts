import type { CallError } from '@instar/core'
import { colorSet, intSet } from '@instar/examples'
import { createLocalNetwork, type LocalNetwork, type LocalPeer } from '@instar/local-network'
import { afterEach, describe, expect, test } from 'vitest'
import { intSetModule } from './fixtures/modules.js'
import { runsEverything } from './fixtures/selection.js'

let network: LocalNetwork
afterEach(() => network.stop())

/** One peer's object as its callers of both versions see it: programs of their own, each with its own connection. */
async function callersOf(peer: LocalPeer) {
  const [old, young] = [await network.client(), await network.client()]
  return {
    /** Calls at version 1: the object, later the past SO. */
    o: old.object(intSet, peer.id, { version: 1, deadlineMs: 60_000 }),
    /** Calls at version 2: the future SO, later the object. */
    so: young.object(colorSet, peer.id, { version: 2, deadlineMs: 60_000 })
  }
}

async function startPeers(names: readonly string[]): Promise<readonly LocalPeer[]> {
  network = await createLocalNetwork({ classes: [intSetModule(1)] })
  return network.startPeers(names)
}

/** Version 2 is published, and no peer upgrades before its operator approves. */
async function introduceVersion2(peers: readonly LocalPeer[]): Promise<void> {
  const via = peers.at(-1)!
  await network.upgrade(via, { modules: [intSetModule(2)], schedule: 'manual', stable: '0s', retireAfter: '0s' })
  await Promise.all(peers.map(peer => peer.until('serves version 2', status => status.served?.[1] === 2)))
}

async function upgrade(peer: LocalPeer): Promise<void> {
  await peer.control.approve(2)
  await peer.until('runs version 2', status => status.running.version === 2)
}

describe('reference example A', () => {
  test('gives the answers of A1 to A7 to callers of both versions over the wire, and never red for what is blue', async () => {
    const [peer, behind] = await startPeers(['calls', 'still-at-version-1'])
    await introduceVersion2([peer!, behind!])
    const { o, so } = await callersOf(peer!)

    // A1. Red could not be kept true, so it is refused, with the reason, and nothing has happened (R8).
    await expect(so.insertColor(1, 'red')).rejects.toMatchObject({
      code: 'Disallowed',
      detail: { executed: 'no', reason: expect.stringContaining('only blue can be kept') as string }
    })
    expect(await o.contains(1)).toBe(false)
    await so.insertColor(1, 'blue')
    expect(await o.contains(1)).toBe(true)

    // A2
    await o.delete(1)
    expect(await so.contains(1)).toBe(false)

    // A3, A4
    await o.insert(1)
    expect(await so.getColor(1)).toBe('blue')

    // A5: the upgrade changes no answer (R10), but that what was refused before is possible.
    await o.insert(5)
    await o.delete(5)
    const answers = async () => ({
      version1: await Promise.all([o.contains(1), o.contains(5)]),
      version2: await Promise.all([so.contains(1), so.getColor(1), so.contains(5)]),
      // Its message also names the façade, for people.
      absent: await so
        .getColor(5)
        .catch((thrown: unknown) => [(thrown as CallError).code, (thrown as CallError).detail.reason])
    })
    const before = await answers()
    await upgrade(peer!)
    expect(await answers()).toEqual(before)
    expect(before).toEqual({
      version1: [true, false],
      version2: [true, 'blue', false],
      absent: ['Failed', '5 is not in the set']
    })

    // A6
    await o.insert(2)
    expect(await so.getColor(2)).toBe('blue')

    // A7
    await so.insertColor(3, 'red')
    expect(await so.getColor(3)).toBe('red')
    await o.delete(3)
    expect(await so.contains(3)).toBe(false)
    await o.insert(3)
    expect(await so.getColor(3)).toBe('blue')

    // What version 1 does not know stays as it is: inserting what is there changes no colour.
    await so.insertColor(3, 'red')
    await o.insert(3)
    expect(await so.getColor(3)).toBe('red')
    // R8: declared, so that a caller can know before it calls.
    const { role, methods } = await (await network.client()).describe(peer!.id, { className: 'IntSet', version: 1 })
    expect(role).toBe('past')
    expect(methods).toContainEqual({
      name: 'size',
      kind: 'query',
      disallowed: 'a colour set cannot say how many elements it has'
    })
    expect(methods).toContainEqual({ name: 'contains', kind: 'query' })
    await expect(o.size()).rejects.toMatchObject({ code: 'Disallowed', detail: { executed: 'no' } })
  })

  test.runIf(runsEverything)(
    'lets the reference run of the papers through: O1.m; O1.m; [introduce 2]; O1.m; O2.p; [upgrade]; O1.m; O2.p; [retire 1]; O2.p; O2.p',
    async () => {
      // The second peer holds version 1 back everywhere until it has left it too (§14): so the run decides when it retires.
      const [peer, behind] = await startPeers(['calls', 'holds-version-1-back'])
      const { o, so } = await callersOf(peer!)

      await o.insert(1)
      await o.insert(2)

      await introduceVersion2([peer!, behind!])
      await o.insert(3)
      expect(await so.getColor(3)).toBe('blue')

      await upgrade(peer!)
      await o.insert(4)
      expect(await so.getColor(4)).toBe('blue')

      await upgrade(behind!)
      await peer!.until('has retired version 1', status => status.served?.[0] === 2)
      await expect(o.insert(5)).rejects.toMatchObject({
        code: 'Retired',
        detail: { executed: 'no', served: [2, 2], newest: 2 }
      })
      await so.insertColor(6, 'red')
      expect(await Promise.all([1, 2, 3, 4, 5, 6].map(x => so.contains(x)))).toEqual([
        true,
        true,
        true,
        true,
        false,
        true
      ])
      expect(await Promise.all([1, 2, 3, 4, 6].map(x => so.getColor(x)))).toEqual([
        'blue',
        'blue',
        'blue',
        'blue',
        'red'
      ])
    }
  )
})
