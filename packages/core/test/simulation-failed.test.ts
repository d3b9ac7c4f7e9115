import { describe, expect, it } from 'vitest'
import { routesOf } from '../src/index.js'
import { onePeer, phaseOf } from './one-peer.js'
import { classUpgrade, versions } from './descriptors.js'
import { Simulation, type SimulatedPeer } from './simulation.js'

const cause = 'the future simulation object of Counter failed in $add: it threw'

const planOf = (peer: SimulatedPeer): number => peer.state.host.plan!.plan
const futures = (peer: SimulatedPeer): number[] => peer.state.host.plan?.future.map(each => each.revision) ?? []
const pasts = (peer: SimulatedPeer): number[] => peer.state.host.plan!.past.map(each => each.revision)

describe('a simulation object that fails', () => {
  it('before the upgrade ends the introduction of its version, with those on it, and is announced (P2)', () => {
    const [simulation, peer] = onePeer(3, undefined, true)
    simulation.run(() => futures(peer).length === 2 && phaseOf(peer, 3) === 'introduced')
    peer.input({ fact: 'simulationFailed', plan: planOf(peer), revision: 2, cause })
    expect(phaseOf(peer, 2)).toBe('introduceFailed')
    simulation.run(() => peer.state.host.switching === undefined)
    expect(futures(peer)).toEqual([])
    expect(peer.served()).toEqual([1, 1])
    expect(peer.said?.versions.find(each => each.version === 2)).toMatchObject({
      phase: 'introduceFailed',
      reason: cause
    })
    // On the operator's word it is built again from its beginning.
    peer.input({ fact: 'operator', word: 'resume', version: 2 })
    simulation.run(() => peer.served()?.[1] === 3)
  })

  it("for want of a disk is nobody's failure: it is said, and built again after pauses that grow (§1, P2)", () => {
    const twin = { future: 'twin', past: 'twin', transform: 'mapping', back: 'exact' } as const
    const [simulation, peer] = onePeer(2, version => (version === 1 ? {} : twin), true)
    const cause = 'Counter 2 cannot be introduced now: IO error: Input/output error'
    const pauses: number[] = []
    for (let times = 1; times <= 4; times++) {
      simulation.run(() => peer.state.host.building.size > 0)
      expect(phaseOf(peer, 2)).toBe('introducing')
      peer.input({ fact: 'simulationFailed', plan: planOf(peer), revision: 2, cause, transient: true })
      expect(peer.state.versions.get(2)).toMatchObject({ phase: 'rehearsing', reason: cause })
      expect(peer.state.host.switching).toBeUndefined()
      expect(peer.served()).toEqual([1, 1])
      const since = simulation.nowMs
      simulation.run(() => phaseOf(peer, 2) === 'introducing')
      pauses.push(simulation.nowMs - since)
    }
    expect(pauses.map(each => Math.round(each / 50))).toEqual([1, 2, 4, 8])
    simulation.run(() => peer.served()?.[1] === 2)
    expect(peer.disk.journal.some(entry => entry.type === 'phase' && entry.phase === 'introduceFailed')).toBe(false)
    expect(peer.state.versions.get(2)?.attempt).toBe(0)
  })

  it('for want of a disk waits until the machine has what its state takes', () => {
    let freeDiskBytes = 1e12
    const simulation = new Simulation({
      peers: 1,
      seed: 1,
      faults: { machine: () => ({ freeDiskBytes, stateBytes: 1e6 }) }
    })
    const peer = simulation.peers[0]!
    peer.boot()
    const twin = { future: 'twin', past: 'twin', transform: 'mapping', back: 'exact' } as const
    for (const { descriptor } of versions(2, v => ({ classes: [classUpgrade(v, v === 1 ? {} : twin)] })))
      simulation.publish(descriptor)
    simulation.run(() => peer.state.host.building.size > 0)
    freeDiskBytes = 1000
    peer.input({ fact: 'simulationFailed', plan: planOf(peer), revision: 2, cause, transient: true })
    const until = simulation.nowMs + 30_000
    simulation.run(() => simulation.nowMs > until)
    expect(peer.state.versions.get(2)).toMatchObject({
      phase: 'rehearsing',
      reason: expect.stringContaining('free') as string
    })
    // The host that met the full disk takes another one's place without what filled it.
    peer.input({ fact: 'hostSpent', plan: planOf(peer) })
    simulation.run(() => peer.state.host.switching === undefined)
    expect(futures(peer)).toEqual([])
    freeDiskBytes = 1e12
    simulation.run(() => peer.isSettledAt(2))
  })

  it('of a host that was replaced says nothing any more, nor does one that is told twice', () => {
    const [simulation, peer] = onePeer(2, undefined, true)
    simulation.run(() => phaseOf(peer, 2) === 'waiting')
    peer.input({ fact: 'simulationFailed', plan: planOf(peer) - 1, revision: 2, cause })
    expect(phaseOf(peer, 2)).toBe('waiting')
    const plan = planOf(peer)
    peer.input({ fact: 'simulationFailed', plan, revision: 2, cause })
    const entries = peer.disk.journal.length
    peer.input({ fact: 'simulationFailed', plan, revision: 2, cause })
    expect(peer.disk.journal.length).toBe(entries)
  })

  it('after commit retires its version and all below, with the cause, also for who asks after a restart', () => {
    const [simulation, peer] = onePeer(3, () => ({ retirement: { quietMs: 1_000_000 } }))
    simulation.run(() => phaseOf(peer, 3) === 'committed')
    expect(pasts(peer)).toEqual([2, 1])
    peer.input({ fact: 'simulationFailed', plan: planOf(peer), revision: 1, cause })
    simulation.run(() => peer.state.host.switching === undefined)
    expect(pasts(peer)).toEqual([2])
    peer.input({ fact: 'simulationFailed', plan: planOf(peer), revision: 2, cause })
    simulation.run(() => peer.state.host.switching === undefined)
    expect(pasts(peer)).toEqual([])
    peer.kill()
    peer.boot()
    simulation.run(() => peer.served() !== undefined)
    expect(peer.served()).toEqual([3, 3])
    expect(routesOf(peer.state).entries).toMatchObject([
      { state: 'retired', cause },
      { state: 'retired', cause },
      { state: 'served' }
    ])
  })

  it('on trial takes the peer back where there is a way back, and is retired where there is none', () => {
    for (const back of ['copy', 'none'] as const) {
      const [simulation, peer] = onePeer(2, () => ({ back }))
      simulation.run(() => phaseOf(peer, 2) === 'trial')
      peer.input({ fact: 'simulationFailed', plan: planOf(peer), revision: 1, cause })
      simulation.run(() => peer.state.host.switching === undefined)
      expect([phaseOf(peer, 2), peer.state.running]).toEqual(back === 'copy' ? ['wentBack', 1] : ['trial', 2])
      expect(peer.served()).toEqual(back === 'copy' ? [1, 1] : [2, 2])
    }
  })
})

it('that fails again while the peer is on its way back leaves the version that it served to that way', () => {
  const [simulation, peer] = onePeer(2, () => ({ back: 'copy' }))
  simulation.run(() => phaseOf(peer, 2) === 'trial')
  const plan = planOf(peer)
  peer.input({ fact: 'simulationFailed', plan, revision: 1, cause })
  expect(phaseOf(peer, 2)).toBe('goingBack')
  peer.input({ fact: 'simulationFailed', plan, revision: 1, cause })
  simulation.run(() => phaseOf(peer, 2) === 'wentBack')
  expect(peer.served()).toEqual([1, 1])
  peer.kill()
  peer.boot()
  simulation.run(() => peer.served() !== undefined)
  expect(peer.served()).toEqual([1, 1])
})

describe('a simulation object that nobody would tell of calls', () => {
  it('before the upgrade is not planned; its version is served from where it can be', () => {
    const [simulation, peer] = onePeer(3, version => ({ future: version === 3 ? 'shadowed' : 'direct' }), true)
    simulation.run(() => phaseOf(peer, 3) === 'introduced')
    expect(futures(peer)).toEqual([2])
    expect(peer.served()).toEqual([1, 2])
    peer.input({ fact: 'operator', word: 'resume' })
    simulation.run(() => peer.state.running === 2 && futures(peer).length === 1)
    expect(futures(peer)).toEqual([3])
    expect(peer.served()).toEqual([1, 3])
  })

  it('gives way to the past: an interceptor waits until no shadowed one is across from it', () => {
    const [simulation, peer] = onePeer(3, version => ({
      past: 'shadowed',
      ...(version === 3 ? { future: 'interceptor' } : {}),
      retirement: { quietMs: 50_000 }
    }))
    simulation.run(() => phaseOf(peer, 2) === 'trial')
    peer.input({ fact: 'operator', word: 'hold' })
    simulation.run(() => phaseOf(peer, 2) === 'committed' && phaseOf(peer, 3) === 'waiting')
    expect([pasts(peer), futures(peer)]).toEqual([[1], []])
    simulation.run(() => peer.state.lowest === 2 && futures(peer).length === 1)
    expect([pasts(peer), futures(peer)]).toEqual([[], [3]])
  })

  it('after the upgrade is not planned either, and its version counts as retired', () => {
    const [simulation, peer] = onePeer(3, version => ({
      past: version === 2 ? 'shadowed' : 'direct',
      retirement: { quietMs: 1_000_000 }
    }))
    simulation.run(() => phaseOf(peer, 3) === 'committed')
    expect(pasts(peer)).toEqual([2])
    expect(peer.served()).toEqual([2, 3])
  })
})
