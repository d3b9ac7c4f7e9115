// §8: what each way back keeps and loses, in real peers.

import { join } from 'node:path'
import { createLocalNetwork, runInstar, type LocalNetwork, type LocalPeer } from '@instar/local-network'
import { afterEach, describe, expect, test } from 'vitest'
import { counter } from './fixtures/counter.js'
import { namedCounter } from './fixtures/counter-by-name.js'
import { fixtureModule } from './fixtures/modules.js'
import { runsEverything } from './fixtures/selection.js'

let network: LocalNetwork
afterEach(() => network.stop())

const phaseOf = (version: number, phase: string) => (status: Awaited<ReturnType<LocalPeer['status']>>) =>
  status.versions.some(each => each.version === version && each.phase === phase)

async function instar(words: readonly string[]): Promise<string> {
  const { code, out, err } = await runInstar(words)
  expect(code, `${words.join(' ')}: ${err}${out}`).toBe(0)
  return out
}

/** A peer with a count of 3 at version 1, and version 2 published with this way back. */
async function published(back: 'copy' | 'transform', stable: string) {
  network = await createLocalNetwork({ classes: [fixtureModule('counter')] })
  const peer = network.addPeer('peer')
  await peer.start()
  const client = await network.client()
  const at1 = client.object(counter, peer.id, { version: 1, deadlineMs: 60_000 })
  const at2 = client.object(namedCounter, peer.id, { version: 2, deadlineMs: 60_000 })
  for (let i = 0; i < 3; i++) await at1.increment()
  await network.upgrade(peer, { modules: [fixtureModule('counter-by-name')], back, stable, retireAfter: '1h' })
  return { peer, at1, at2 }
}

const halt = (peer: LocalPeer): Promise<string> =>
  instar([
    ...['halt', '2', '--reason', 'it is wrong', '--yes', '--keys', network.keysDirectory, '--data', peer.dataDirectory],
    ...['-o', join(network.directory, 'halt.json'), '--wait', '0s']
  ])

const signedWords = async (): Promise<string> => {
  const folder = join(network.directory, 'upgrade-1')
  return instar(['upgrade', 'plan', join(folder, 'proposal.json'), '--data', network.peers[0]!.dataDirectory])
}

describe.runIf(runsEverything)('a trial that ends badly', () => {
  test('goes back by copy, without exactly what the trial acknowledged, as was said before', async () => {
    const { peer, at1, at2 } = await published('copy', '1h')
    expect(await signedWords()).toContain('calls that the trial acknowledged are LOST')
    await peer.until('is on trial', phaseOf(2, 'trial'))
    for (let i = 4; i <= 6; i++) expect(await at2.increment()).toBe(i)
    await halt(peer)
    await peer.until('has gone back', phaseOf(2, 'wentBack'))
    expect(await at1.value()).toBe(3)
    expect(await at1.increment()).toBe(4)
  })

  test('goes back by its reverse transform, and loses what it said', async () => {
    const { peer, at1, at2 } = await published('transform', '1h')
    expect(await signedWords()).toContain('LOST by it: the name')
    await peer.until('is on trial', phaseOf(2, 'trial'))
    expect(await at2.increment()).toBe(4)
    await at2.rename('lost')
    await halt(peer)
    await peer.until('has gone back', phaseOf(2, 'wentBack'))
    expect(await at1.value()).toBe(4)
    expect(await at1.increment()).toBe(5)
  })

  test('is not begun where the way back fails on the state that is there', async () => {
    network = await createLocalNetwork({ classes: [fixtureModule('counter')] })
    const peer = network.addPeer('peer')
    await peer.start()
    const client = await network.client()
    const at1 = client.object(counter, peer.id, { version: 1, deadlineMs: 60_000 })
    await at1.increment()
    await network.upgrade(peer, { modules: [fixtureModule('counter-without-return')], back: 'transform', stable: '1h' })
    const { versions, running } = await peer.until('has failed', phaseOf(2, 'failed'))
    expect(running.version).toBe(1)
    expect(versions.find(each => each.version === 2)?.reason).toMatch(
      /could not go back to version 1: .*what is a value/
    )
    expect(await at1.increment()).toBe(2)
  })
})
