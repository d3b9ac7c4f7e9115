// §15 in real peers: who is on trial is judged by its callers, and no one of them decides.

import { colorSet, intSet } from '@instar/examples'
import { createLocalNetwork, type LocalNetwork, type LocalPeer } from '@instar/local-network'
import { afterEach, describe, expect, it } from 'vitest'
import { fixtureModule, intSetModule } from './fixtures/modules.js'
import { runsEverything } from './fixtures/selection.js'

const failsOften = fixtureModule('faulty/twin-fails-often')
const elements = Array.from({ length: 20 }, (_, i) => i)

let network: LocalNetwork
afterEach(() => network.stop())

async function start(...names: string[]): Promise<readonly LocalPeer[]> {
  network = await createLocalNetwork({ classes: [intSetModule(1)] })
  const peers = await network.startPeers(names)
  for (const peer of peers) await peer.until('serves', ({ served }) => served !== undefined)
  return peers
}

type Status = Awaited<ReturnType<LocalPeer['status']>>
const isPhase =
  (phase: string) =>
  ({ versions }: Status): boolean =>
    versions.some(each => each.version === 2 && each.phase === phase)
const trialOf = ({ versions }: Status) => versions.find(each => each.version === 2)?.trial
const untilPhase = (peer: LocalPeer, phase: string) => peer.until(`is ${phase}`, isPhase(phase))

const publish = (via: LocalPeer, health: string, stable = '10m') =>
  network.upgrade(via, { modules: [failsOften], schedule: 'manual', stable, health, retireAfter: '1h' })

async function takeUp(peer: LocalPeer): Promise<void> {
  await peer.until('serves version 2', ({ served }) => served?.[1] === 2)
  await peer.control.approve(2)
  await untilPhase(peer, 'trial')
}

async function callerOf(peer: LocalPeer) {
  const client = await network.client()
  return {
    client,
    o: client.object(intSet, peer.id, { version: 1, deadlineMs: 30_000 }),
    so: client.object(colorSet, peer.id, { version: 2, deadlineMs: 2000 })
  }
}

/** Asks for all colours; who fails, or comes too late for the trial, is told so. */
const askAll = (caller: Awaited<ReturnType<typeof callerOf>>) =>
  Promise.allSettled(elements.map(element => caller.so.getColor(element)))

describe('a version that fails three of ten calls', () => {
  it('is sent back by itself, says why, and no acknowledged call of either version is lost', async () => {
    const [peer] = await start('peer')
    const callers = await Promise.all([1, 2, 3].map(() => callerOf(peer!)))
    const [{ o, so }] = callers as [Awaited<ReturnType<typeof callerOf>>]
    await Promise.all(elements.map(element => o.insert(element)))
    await publish(peer!, 'min-calls:20')
    await takeUp(peer!)
    await Promise.all([o.insert(101), so.insertColor(102, 'red'), o.delete(19), so.delete(18)])
    const went = untilPhase(peer!, 'wentBack')
    await Promise.all(callers.map(askAll))
    const { running, versions, problems } = await went
    expect(running.version).toBe(1)
    const sentence = /\d+(\.\d)? % of its calls failed, 0 % before the switch/
    expect(versions.find(each => each.version === 2)?.reason).toMatch(sentence)
    expect(problems).toEqual([expect.stringMatching(sentence)])
    const left = await Promise.all([...elements, 101, 102].map(element => o.contains(element)))
    expect(left).toEqual([...elements.map(element => element < 18), true, true])
    expect(await o.size()).toBe(20)
  })

  it.runIf(runsEverything)('stays back across a restart, and closes the gates of the others after two', async () => {
    const peers = await start('first', 'second', 'third')
    const [first, second, third] = peers as [LocalPeer, LocalPeer, LocalPeer]
    await publish(first, 'min-calls:20')
    for (const peer of [first, second]) {
      await takeUp(peer)
      await Promise.all((await Promise.all([1, 2, 3].map(() => callerOf(peer)))).map(askAll))
      await untilPhase(peer, 'wentBack')
    }
    await third.until('has heard of both', ({ peers: others }) =>
      others.every(each => each.versions.some(({ version, phase }) => version === 2 && phase === 'wentBack'))
    )
    // Those that went back do not serve it, which the schedule would wait for.
    await third.control.approve(2, { now: true })
    const health = async (peer: LocalPeer) =>
      (await peer.control.why()).versions[0]?.gates.find(each => each.gate === 'health')
    expect(await health(third)).toMatchObject({ open: false, waitsFor: [first.id, second.id].sort() })
    expect(isPhase('waiting')(await third.status())).toBe(true)
    await first.kill()
    await first.start()
    expect(isPhase('wentBack')(await first.status())).toBe(true)
    expect(await health(first)).toMatchObject({ open: false, reason: expect.stringMatching(/failed here/) as string })
    // The operator's word opens it (§1).
    await third.control.resume(2)
    await untilPhase(third, 'trial')
    expect((await third.status()).running.version).toBe(2)
    await third.control.goBack(2)
    await untilPhase(third, 'wentBack')
  })

  it.runIf(runsEverything)('is held on trial where its policy says so, until its operator decides', async () => {
    const [peer] = await start('peer')
    await publish(peer!, 'min-calls:20,on-failure:hold', '5s')
    const callers = await Promise.all([1, 2, 3].map(() => callerOf(peer!)))
    await peer!.until('serves version 2', ({ served }) => served?.[1] === 2)
    const asking = new AbortController()
    const asked = callers.map(async caller => {
      while (!asking.signal.aborted) await askAll(caller)
    })
    await peer!.control.approve(2)
    const held = peer!.until('is held', status => isPhase('trial')(status) && status.problems.length > 0)
    const { problems } = await held.finally(() => asking.abort())
    expect(problems).toEqual([expect.stringMatching(/is on trial here and failed: .* `instar upgrade back 2`/)])
    await Promise.all(asked)
    await peer!.control.approve(2)
    await untilPhase(peer!, 'committed')
    expect((await peer!.status()).problems).toEqual([])
  })
})

describe('one caller alone', () => {
  it.runIf(runsEverything)('sends nobody back, with garbage, with errors, or with both', async () => {
    const [peer] = await start('peer')
    await publish(peer!, 'min-calls:20', '3s')
    const hostile = await callerOf(peer!)
    const honest = await callerOf(peer!)
    for (const element of elements) await honest.o.insert(element)
    await takeUp(peer!)
    const raging = new AbortController()
    const call = (method: string, args: unknown[]) =>
      hostile.client.call(peer!.id, { className: 'ColorSet', version: 2, method, args, retry: false, deadlineMs: 2000 })
    const rage = (async () => {
      while (!raging.signal.aborted)
        await Promise.allSettled([
          call('getColor', [0]),
          call('getColor', [1]),
          call('getColor', ['no number']),
          call('insertColor', [{}]),
          call('noMethod', [])
        ])
    })()
    try {
      const good = elements.filter(each => each % 10 > 2)
      for (const element of [...good, ...good]) await honest.so.getColor(element)
      const seen = await peer!.until('has counted them', status => (trialOf(status)?.errors ?? 0) > 30)
      expect(trialOf(seen)).toMatchObject({ callers: 2, failingCallers: 1 })
      await untilPhase(peer!, 'committed')
    } finally {
      raging.abort()
      await rage
    }
  })
})

describe('a peer that nobody calls', () => {
  it.runIf(runsEverything)('commits when it has been idle for its time, and not before', async () => {
    const [peer] = await start('peer')
    await publish(peer!, 'idle-commit:4s', '0s')
    await takeUp(peer!)
    const { versions } = await peer!.status()
    const trial = versions.find(each => each.version === 2)
    expect(trial?.reason).toMatch(
      /fewer than 20 calls have gone well; without them it is committed 4 s after the switch/
    )
    const beganAt = Date.parse(trial!.since)
    const committed = await untilPhase(peer!, 'committed')
    expect(Date.parse(committed.versions.find(each => each.version === 2)!.since) - beganAt).toBeGreaterThanOrEqual(
      3990
    )
  })
})
