// The rehearsal of a transform on a copy of the real state (R13), in real peers: what it finds out keeps the peer from upgrading, and what it
// shows is announced before anybody waits.

import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { createLocalNetwork, runInstar, type LocalNetwork, type LocalPeer } from '@instar/local-network'
import { afterEach, describe, expect, it } from 'vitest'
import { modules } from './fixtures/faulty/modules.js'
import { hostsOf, killNow } from './fixtures/processes.js'
import { runsEverything } from './fixtures/selection.js'

const timing = { retryMinMs: 200, retryMaxMs: 1000 }
const patienceMs = 90_000

let network: LocalNetwork
afterEach(() => network.stop())

async function startPeers(...names: readonly string[]): Promise<LocalPeer[]> {
  network = await createLocalNetwork({ classes: [modules.intSet] })
  const peers = [...(await network.startPeers([...names], { timing }))]
  for (const peer of peers) await peer.until('serves', status => status.served !== undefined)
  return peers
}

const insert = (peer: LocalPeer, element: number) =>
  peer.control.call({ method: 'insert', args: [element], version: 1, timeoutMs: 20_000 })
const contains = async (peer: LocalPeer, element: number, version = 1) =>
  (await peer.control.call({ method: 'contains', args: [element], version, timeoutMs: 20_000 })).result
const publish = (peer: LocalPeer, module: string, schedule: 'eager' | 'manual' = 'eager') =>
  network.upgrade(peer, { modules: [module], schedule, stable: '0s', retireAfter: '1h' })
const untilPhase = (peer: LocalPeer, phase: string) =>
  peer.until(
    `version 2 is ${phase}`,
    ({ versions }) => versions.some(each => each.version === 2 && each.phase === phase),
    patienceMs
  )
const scratchOf = (peer: LocalPeer) => readdir(join(peer.dataDirectory, 'scratch'))

it('keeps a peer from a transform that its own state breaks, and says why', { timeout: 120_000 }, async () => {
  const [peer] = await startPeers('peer')
  for (const element of [1, 13]) await insert(peer!, element)
  await publish(peer!, modules.transformThrows)
  const { running, versions, host } = await untilPhase(peer!, 'failed')
  expect(running.version).toBe(1)
  expect(host.restarts).toBe(0)
  expect(versions.find(each => each.version === 2)?.reason).toMatch(
    /^its rehearsal on a copy of the state failed: .*planted: the transform stumbles over 13/
  )
  expect(await contains(peer!, 13)).toBe(true)
  expect(await scratchOf(peer!)).toEqual([])
})

describe.runIf(runsEverything)('a rehearsal on a copy of the state', () => {
  it('that fails at one peer is known at the others, which go on; the word of its operator has it tried again', async () => {
    const [peer, neighbour] = await startPeers('peer', 'neighbour')
    for (const element of [1, 13]) await insert(peer!, element)
    await insert(neighbour!, 2)
    await publish(peer!, modules.transformThrows)
    await untilPhase(peer!, 'failed')
    await neighbour!.until('runs version 2', each => each.running.version === 2, patienceMs)
    await neighbour!.until('knows why its neighbour does not', ({ peers }) =>
      peers.some(({ versions }) =>
        versions.some(
          ({ phase, reason = '' }) => phase === 'failed' && /rehearsal on a copy .* stumbles over 13/.test(reason)
        )
      )
    )
    await peer!.kill()
    await peer!.start()
    await untilPhase(peer!, 'failed')
    await peer!.control.call({ method: 'delete', args: [13], version: 1, timeoutMs: 20_000 })
    await peer!.control.resume(2)
    await peer!.until('runs version 2', each => each.running.version === 2, patienceMs)
    expect([await contains(peer!, 1, 2), await contains(peer!, 13, 2)]).toEqual([true, false])
  })

  it('names the entries that a transform builds anew each time', async () => {
    const [peer] = await startPeers('peer')
    await insert(peer!, 1)
    await publish(peer!, modules.transformDiffers)
    const { versions, running } = await untilPhase(peer!, 'failed')
    expect(running.version).toBe(1)
    expect(versions.find(each => each.version === 2)?.reason).toContain(
      'builds another state when it is interrupted and begun again (R13): the entry "drawn/lot" is built with another value.'
    )
  })

  it('announces how long calls will be held, once, and an operator may ask for it again', async () => {
    const [peer, neighbour] = await startPeers('peer', 'neighbour')
    for (let element = 0; element < 50; element++) await insert(peer!, element)
    await publish(peer!, modules.colorSet, 'manual')
    const rehearsed = (status: Awaited<ReturnType<LocalPeer['status']>>) =>
      status.versions.find(each => each.version === 2)?.rehearsed
    const status = await peer!.until('is rehearsed', each => rehearsed(each) !== undefined, patienceMs)
    expect(rehearsed(status)).toMatchObject({ onVersion: 1, files: 0 })
    expect(rehearsed(status)?.entries).toBeGreaterThanOrEqual(50)
    expect(rehearsed(status)?.pauseMs).toBeGreaterThan(0)
    const announced = /approve.*calls will be held for about \d+ (ms|s), by its rehearsal on \d+ entries/
    await neighbour!.until('knows how long', ({ peers }) =>
      peers.some(each => each.versions.some(({ reason = '' }) => announced.test(reason)))
    )
    const { at } = rehearsed(status)!
    await peer!.kill()
    await peer!.start()
    const again = await untilPhase(peer!, 'waiting')
    expect(rehearsed(again)?.at).toBe(at)

    const ran = await runInstar(['upgrade', 'rehearse', '2', '--json', '--data', peer!.dataDirectory])
    expect(ran).toMatchObject({ code: 0 })
    expect(JSON.parse(ran.out)).toMatchObject({ version: 2, stateVersion: 1, runs: 3 })
    expect(rehearsed(await peer!.status())?.at).not.toBe(at)
    expect(await scratchOf(peer!)).toEqual([])
    await peer!.control.approve(2)
    await peer!.until('runs version 2', each => each.running.version === 2, patienceMs)
    expect(await contains(peer!, 49, 2)).toBe(true)
  })

  it('leaves nothing behind when the peer is killed in the middle of it', async () => {
    const [peer] = await startPeers('peer')
    for (let element = 0; element < 20; element++) await insert(peer!, element)
    await publish(peer!, modules.colorSet, 'manual')
    const rehearsing = (stage: RegExp) => (status: Awaited<ReturnType<LocalPeer['status']>>) =>
      status.versions.some(each => each.version === 2 && stage.test(each.progress?.stage ?? ''))
    await peer!.until('rehearses', rehearsing(/^rehearsing/), patienceMs)
    const hosts = await hostsOf(peer!.pid!)
    expect(await scratchOf(peer!)).toHaveLength(1)
    await peer!.kill()
    await peer!.start()
    const status = await untilPhase(peer!, 'waiting')
    expect(status.running.version).toBe(1)
    await peer!.until(
      'is rehearsed',
      each => each.versions.some(({ rehearsed }) => rehearsed !== undefined),
      patienceMs
    )
    expect(await scratchOf(peer!)).toEqual([])
    // Whatever was being tried has ended with its peer.
    for (const pid of hosts) expect(() => process.kill(pid, 0)).toThrow()
    killNow(hosts)
  })
})
