// §4 in real peers: a signed halt acts on receipt, wherever the version is, on stale metadata too; and a signed resume opens it again.

import { cp, mkdir, readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { colorSet, intSet } from '@instar/examples'
import { createLocalNetwork, type LocalNetwork, type LocalPeer } from '@instar/local-network'
import type { PeerStatus } from '@instar/node/control'
import { loadKeystore, refreshTimestamp } from '@instar/signer'
import { afterEach, describe, expect, test } from 'vitest'
import { modules } from './fixtures/faulty/modules.js'
import { stumblingBlock } from './fixtures/faulty/plant.js'
import { trustedBy } from './fixtures/forgeries.js'
import { intSetModule, twinModule } from './fixtures/modules.js'
import { runsEverything } from './fixtures/selection.js'
import { instar } from './fixtures/two-futures.js'

let network: LocalNetwork
afterEach(() => network.stop())

const phaseAt = (version: number, phase: string) => (status: PeerStatus) =>
  status.versions.some(each => each.version === version && each.phase === phase)

const order = (word: 'halt' | 'resume', via: LocalPeer, more: readonly string[] = [], keys = network.keysDirectory) =>
  instar([
    ...[word, '2', '--reason', 'it loses colours', '--yes', '--keys', keys],
    ...['--data', via.dataDirectory, '-o', join(network.directory, `${word}.json`), '--wait', '0s', ...more]
  ])

/** A keystore with nothing that could make the metadata fresh again. */
async function haltKeys(): Promise<string> {
  const directory = join(network.directory, 'halt-keys')
  await mkdir(directory, { mode: 0o700 })
  for (const name of await readdir(network.keysDirectory))
    if (name.startsWith('halt')) await cp(join(network.keysDirectory, name), join(directory, name))
  return directory
}

async function letGoStale(peer: LocalPeer): Promise<void> {
  const trusted = await trustedBy(peer, (await peer.status()).network)
  const keystore = await loadKeystore(network.keysDirectory)
  const [snapshot, timestamp] = [keystore.keysFor('snapshot')[0]!, keystore.keysFor('timestamp')[0]!]
  const lifetimes = { snapshotMs: 20 * 365 * 86_400_000, timestampMs: 1000 }
  const { documents } = await refreshTimestamp(trusted, { snapshot, timestamp }, Date.now(), lifetimes)
  const verdicts = await peer.control.submit({ documents })
  expect(verdicts.map(({ verdict }) => verdict)).toEqual(['accept', 'accept'])
}

/** Adds and asks until it is stopped; every answer must be right. */
async function keepCalling(peer: LocalPeer, signal: AbortSignal): Promise<number> {
  const client = await network.client()
  const set = client.object(intSet, peer.id, { version: 1, deadlineMs: 60_000 })
  let calls = 0
  for (; !signal.aborted; calls++) {
    await set.insert(calls)
    if (!(await set.contains(calls))) throw new Error(`${calls} was acknowledged, and is not there`)
  }
  return calls
}

describe('a halt', () => {
  test('sends trials back without an error at any caller, and a resume lets them try again', async () => {
    network = await createLocalNetwork({ classes: [intSetModule(1)] })
    const [one, two] = (await network.startPeers(['one', 'two'])) as [LocalPeer, LocalPeer]
    await network.upgrade(one, { modules: [twinModule], stable: '1h' })
    for (const peer of [one, two]) await peer.until('has version 2 on trial', phaseAt(2, 'trial'))
    const stop = new AbortController()
    const callers = [one, two].map(peer => keepCalling(peer, stop.signal))

    await order('halt', one)
    for (const peer of [one, two]) {
      const { problems, trust } = await peer.until('has gone back', phaseAt(2, 'wentBack'))
      expect(trust.halts).toMatchObject([{ version: 2, reason: 'it loses colours' }])
      expect(problems.join()).toContain('Version 2 is halted')
      expect((await peer.control.why()).versions.find(each => each.version === 2)?.summary).toContain(
        'it loses colours'
      )
    }
    await order('resume', two)
    for (const peer of [one, two]) await peer.until('has it on trial again', phaseAt(2, 'trial'))
    stop.abort()
    for (const calls of await Promise.all(callers)) expect(calls).toBeGreaterThan(0)
  })

  test.runIf(runsEverything)('stops an upgrade while its transform runs, and the old version goes on', async () => {
    network = await createLocalNetwork({ classes: [intSetModule(1)] })
    const [peer] = (await network.startPeers(['one'])) as [LocalPeer]
    const client = await network.client()
    const old = client.object(intSet, peer.id, { version: 1, deadlineMs: 60_000 })
    for (const x of [7, stumblingBlock]) await old.insert(x)
    await network.upgrade(peer, { modules: [modules.transformHangs], schedule: 'manual', stable: '0s' })
    await peer.until('serves version 2', status => status.served?.[1] === 2)
    await peer.control.approve(2)
    await peer.until('transforms', phaseAt(2, 'transforming'))
    await order('halt', peer)
    await peer.until('has stopped', phaseAt(2, 'waiting'))
    expect((await peer.status()).running.version).toBe(1)
    expect(await old.contains(7)).toBe(true)
  })

  test.runIf(runsEverything)(
    'with --unload ends what is introduced, also where the metadata are stale, and comes before the version where that is not known yet',
    async () => {
      network = await createLocalNetwork({ classes: [intSetModule(1)] })
      const [one, two] = (await network.startPeers(['one', 'two'])) as [LocalPeer, LocalPeer]
      await two.stop()
      await network.upgrade(one, { modules: [intSetModule(2)], schedule: 'manual' })
      await one.until('serves version 2', status => status.served?.[1] === 2)
      const client = await network.client()
      const young = client.object(colorSet, one.id, { version: 2, deadlineMs: 30_000 })
      await young.insertColor(1, 'blue')
      await letGoStale(one)
      await one.until('says that its metadata are stale', ({ trust }) => !trust.fresh)
      await order('halt', one, ['--unload'], await haltKeys())
      await one.until('serves version 1 only', status => status.served?.[1] === 1)
      await two.start({ words: ['--bootstrap', one.addresses[0]!] })
      await two.until('holds it', status => phaseAt(2, 'halted')(status) && status.served?.[1] === 1)
      await order('resume', one)
      for (const peer of [one, two]) await peer.until('serves version 2', status => status.served?.[1] === 2)
    }
  )
})
