import { createLocalNetwork, type LocalNetwork, type LocalPeer } from '@instar/local-network'
import { afterEach, expect, test } from 'vitest'
import { counter } from './fixtures/counter.js'
import { fixtureModule } from './fixtures/modules.js'

let network: LocalNetwork
afterEach(() => network.stop())

test('a patch changes the code of one object under calls of both versions, and no answer is lost or given twice', async () => {
  network = await createLocalNetwork({ classes: [fixtureModule('counter')] })
  const peers = await network.startPeers(['calls', 'calls-too'])
  const client = await network.client()
  const stop = new AbortController()
  const callers = peers.map(peer => callUntil(peer, stop.signal))

  await network.upgrade(peers[0]!, {
    command: 'patch',
    modules: [fixtureModule('counter-by-ten')],
    schedule: 'manual',
    stable: '0s',
    retireAfter: '1h'
  })
  await Promise.all(peers.map(peer => peer.until('serves version 2', status => status.served?.[1] === 2)))
  // Version 2 is the same contract: the old code answers its calls (§6).
  const early = await client.object(counter, peers[0]!.id, { version: 2, deadlineMs: 60_000 }).value()
  expect(early).toBeGreaterThan(0)
  for (const peer of peers) {
    await peer.control.approve(2)
    await peer.until('has committed version 2', ({ versions }) =>
      versions.some(each => each.version === 2 && each.phase === 'committed')
    )
  }
  stop.abort()

  for (const answers of await Promise.all(callers)) {
    const steps = answers.slice(1).map((answer, i) => answer - answers[i]!)
    const patched = steps.indexOf(10)
    expect(patched).toBeGreaterThan(0)
    expect(new Set(steps.slice(0, patched))).toEqual(new Set([1]))
    expect(new Set(steps.slice(patched))).toEqual(new Set([10]))
  }

  /** Increments, at version 1 and 2 by turns once both are served; ends after an answer of the new code. */
  async function callUntil(peer: LocalPeer, signal: AbortSignal): Promise<number[]> {
    const at = [1, 2].map(version => client.object(counter, peer.id, { version, deadlineMs: 60_000 }))
    const answers = [await at[0]!.increment()]
    let both = false
    while (!signal.aborted) {
      both ||= (await peer.control.status()).served?.[1] === 2
      answers.push(await at[both ? answers.length % 2 : 0]!.increment())
    }
    answers.push(await at[0]!.increment(), await at[1]!.increment())
    return answers
  }
})
