// R20, §6 in real peers: the authors have signed two versions 2, and each has run somewhere before anybody saw both.

import { readdir } from 'node:fs/promises'
import { colorSet, intSet } from '@instar/examples'
import type { LocalPeer } from '@instar/local-network'
import type { PeerStatus } from '@instar/node/control'
import { afterEach, describe, expect, test } from 'vitest'
import { runsEverything } from './fixtures/selection.js'
import { decide, instar, makeTwoFutures, startTogether, type TwoFutures } from './fixtures/two-futures.js'

let futures: TwoFutures | undefined
afterEach(async () => {
  await futures?.network.stop()
  futures = undefined
})

const isFrozen = ({ trust }: PeerStatus): boolean => trust.forks.includes(2)
const phaseAt = (version: number, phase: string) => (status: PeerStatus) =>
  status.versions.some(each => each.version === version && each.phase === phase)

// Some twenty processes each: `.ci/long` runs them; what each peer decides is tested in the core, phase by phase.
describe.runIf(runsEverything)('two versions 2', () => {
  test('freeze every peer that sees both; the root decides, and who committed the other one is diverged until it is reset', async () => {
    futures = await makeTwoFutures({ first: '0s', second: '0s' })
    const { network, first, second, third, descriptors } = futures
    await startTogether([second, third, first])

    for (const peer of [first, second, third]) await peer.until('sees both', isFrozen)
    const { trust, problems } = await third.status()
    expect(trust.forkSides.map(each => each.descriptor).sort()).toEqual(Object.values(descriptors).sort())
    const problem = problems.find(each => each.includes('is frozen'))
    for (const { descriptor, signedBy } of trust.forkSides) {
      expect(problem).toContain(descriptor.slice(0, 8))
      expect(problem).toContain(signedBy[0]!.slice(0, 8))
    }
    // Nothing starts where it has not begun, and what runs goes on.
    await third.until('holds it before its first moment', phaseAt(2, 'frozen'))
    for (const [peer, runs] of [
      [first, 2],
      [second, 2],
      [third, 1]
    ] as const)
      await peer.until(
        `serves up to version ${runs}`,
        status => status.served?.[1] === runs && status.running.version === runs
      )
    const client = await network.client()
    const at1 = (peer: LocalPeer) => client.object(intSet, peer.id, { version: 1, deadlineMs: 30_000 })
    const at2 = (peer: LocalPeer) => client.object(colorSet, peer.id, { version: 2, deadlineMs: 30_000 })
    await at2(first).insertColor(1, 'red')
    await at2(second).insertColor(2, 'red')

    await decide(futures, second, descriptors.second)
    await second.until('is not frozen any more', status => !isFrozen(status))
    await third.until('takes the version that was kept', phaseAt(2, 'committed'))
    expect((await third.status()).running).toEqual((await second.status()).running)

    const diverged = await first.until('is diverged', status => status.diverged === 2)
    expect(diverged.served).toEqual([1, 1])
    expect(diverged.problems.join()).toContain('instar peer reset')
    expect((await first.control.why()).summary).toContain('diverged')
    expect(await at1(first).contains(1)).toBe(true)
    await expect(at2(first).getColor(1)).rejects.toMatchObject({
      code: 'Diverged',
      detail: { executed: 'no', served: [1, 1] }
    })
    await second.until('hears of it', ({ peers }) =>
      peers.some(each => each.peer === first.id && each.versions.some(({ phase }) => phase === 'diverged'))
    )

    // It stays so over a restart, until its operator lets it begin anew.
    await first.kill()
    await first.start({ words: ['--bootstrap', second.addresses[0]!] })
    await first.until('is diverged still', status => status.diverged === 2)
    await first.stop()
    const reset = JSON.parse(await instar(['peer', 'reset', '--yes', '--json', '--data', first.dataDirectory])) as {
      aside: string
      joinsAsNewcomer: boolean
    }
    expect(reset.joinsAsNewcomer).toBe(true)
    expect(await readdir(reset.aside)).toEqual(['journal', 'state'])
    const { id } = first
    await first.start({ words: ['--bootstrap', second.addresses[0]!] })
    const joined = await first.until('has joined again', status => status.served?.[1] === 2)
    expect(joined).toMatchObject({ peer: id, running: (await second.status()).running })
    // Who has called it before insists on the version that it was.
    await expect(at2(first).contains(1)).rejects.toMatchObject({ code: 'Diverged' })
    const anew = await network.client()
    expect(await anew.object(colorSet, first.id, { version: 2, deadlineMs: 30_000 }).contains(1)).toBe(false)
  }, 240_000)

  test('send a peer back that has the other one on trial, and it takes the one that is kept', async () => {
    futures = await makeTwoFutures({ first: '0s', second: '1h' })
    const { network, first, second, third, descriptors } = futures
    await startTogether([second, third, first])
    for (const peer of [first, second, third]) await peer.until('sees both', isFrozen)
    const client = await network.client()
    const old = client.object(intSet, second.id, { version: 1, deadlineMs: 30_000 })
    await old.insert(7)

    // The two call each other at version 1, and not at what they mean by version 2.
    const call = (from: LocalPeer, to: LocalPeer, version: number) =>
      from.control.call({
        peer: to.id,
        class: version === 1 ? 'IntSet' : 'ColorSet',
        version,
        method: 'contains',
        args: [7],
        timeoutMs: 20_000
      })
    expect((await call(first, second, 1)).result).toBe(true)
    await expect(call(first, second, 2)).rejects.toMatchObject({ code: 'Diverged' })
    await expect(call(second, first, 2)).rejects.toMatchObject({ code: 'Diverged' })

    await decide(futures, third, descriptors.first)
    for (const peer of [second, third]) await peer.until('takes the version that was kept', phaseAt(2, 'committed'))
    const { running } = await first.status()
    for (const peer of [second, third]) expect((await peer.status()).running).toEqual(running)
    // What the old version acknowledged is in the new one's state.
    const client2 = client.object(colorSet, second.id, { version: 2, deadlineMs: 30_000 })
    expect(await client2.contains(7)).toBe(true)
  }, 240_000)
})
