import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { propertyRuns } from '../../../test/property-budget.js'
import type { Effect, HostPlan } from '../src/index.js'
import { twinUpgrade, versions } from './descriptors.js'
import { Simulation, type SimulatedPeer } from './simulation.js'

const rebootMs = 30

/** Lets a process die at a moment and brings it back a little later. */
function killOnce(
  simulation: Simulation,
  peer: SimulatedPeer,
  when: 'before' | 'after',
  isIt: (effect: Effect) => boolean
): { happened: boolean } {
  const kill = { happened: false }
  peer.killAt = (at, effect) => {
    if (kill.happened || at !== when || !isIt(effect)) return false
    kill.happened = true
    simulation.rebootLater(peer, rebootMs)
    return true
  }
  return kill
}

/** Versions are run one after the other, never skipped, never repeated, whatever died in between (R4, R13). */
function expectInOrder(peer: SimulatedPeer, from: number, to: number): void {
  const runs = peer.disk.journal.flatMap(entry => (entry.type === 'running' ? [entry.version] : []))
  expect(runs).toEqual(Array.from({ length: to - from }, (_, i) => from + 1 + i))
}

describe('a process that dies', () => {
  const journalled = [
    'joined',
    'introducing',
    'introduced',
    'preparing',
    'draining',
    'transforming',
    'activating',
    'trial',
    'committed',
    'retired'
  ]

  for (const word of journalled) {
    for (const when of ['before', 'after'] as const) {
      it(`${when} the record "${word}" was written completes the upgrade after its restart`, () => {
        const simulation = new Simulation({ peers: 1, seed: 7 })
        const peer = simulation.peers[0]!
        const kill = killOnce(
          simulation,
          peer,
          when,
          effect =>
            effect.effect === 'persist' &&
            effect.entries.some(entry => entry.type === word || (entry.type === 'phase' && entry.phase === word))
        )
        peer.boot()
        for (const { descriptor } of versions(2)) simulation.publish(descriptor)
        simulation.run(() => peer.isSettledAt(2))
        expect(kill.happened).toBe(true)
        expectInOrder(peer, 1, 2)
        expect(peer.disk.meta?.current).toBe(2)
      })
    }
  }

  /** Three peers and three versions; processes die at random effects, and come back. */
  function dieAtRandom(seed: number, oneIn: number, compact: boolean, areTwins = false): Simulation {
    const simulation = new Simulation({ peers: 3, seed, compact })
    let deaths = 0
    for (const peer of simulation.peers) {
      peer.killAt = () => {
        if (deaths >= 25 || simulation.random(oneIn) !== 0) return false
        deaths++
        simulation.rebootLater(peer, simulation.random(500))
        return true
      }
      peer.boot()
    }
    const log = versions(3, version => (areTwins ? { classes: [twinUpgrade(version)] } : {}))
    for (const { descriptor } of log) simulation.publish(descriptor)
    // One that has just come back from its last death has its host still to start.
    simulation.run(() => simulation.peers.every(peer => peer.isSettledAt(3) && peer.served() !== undefined), 3_600_000)
    for (const peer of simulation.peers) {
      expect(peer.disk.meta?.current).toBe(3)
      expect(peer.served()).toEqual([3, 3])
    }
    return simulation
  }
  const seeds = fc.integer({ min: 1, max: 1_000_000 })
  const rates = fc.integer({ min: 2, max: 40 })

  it('in the last moment, when the others are done already, still comes back and serves', () => {
    dieAtRandom(111885, 39, false)
  })

  it('at any effect, again and again, at any of three peers, ends with all of them on the newest version', () => {
    fc.assert(
      fc.property(seeds, rates, (seed, oneIn) => {
        for (const peer of dieAtRandom(seed, oneIn, false).peers) {
          const joined = peer.disk.journal.find(entry => entry.type === 'joined')
          expectInOrder(peer, joined?.type === 'joined' ? joined.version : 0, 3)
        }
      }),
      { numRuns: propertyRuns(100) }
    )
  })

  it('at any effect, where the versions are twins', () => {
    fc.assert(
      fc.property(seeds, rates, (seed, oneIn) => {
        for (const peer of dieAtRandom(seed, oneIn, false, true).peers) {
          const joined = peer.disk.journal.find(entry => entry.type === 'joined')
          expectInOrder(peer, joined?.type === 'joined' ? joined.version : 0, 3)
        }
      }),
      { numRuns: propertyRuns(50) }
    )
  })

  it('loses nothing when its journal is compacted at every start', () => {
    fc.assert(
      fc.property(seeds, rates, (seed, oneIn) => void dieAtRandom(seed, oneIn, true)),
      { numRuns: propertyRuns(50) }
    )
  })

  it('is found out when the journal forgets that it had decided (canary)', () => {
    const simulation = new Simulation({ peers: 1, seed: 7 })
    const peer = simulation.peers[0]!
    killOnce(
      simulation,
      peer,
      'after',
      effect => effect.effect === 'persist' && effect.entries.some(entry => entry.type === 'running')
    )
    peer.boot()
    for (const { descriptor } of versions(2)) simulation.publish(descriptor)
    simulation.run(() => !peer.isUp)
    peer.disk.journal = peer.disk.journal.filter(
      entry => entry.type !== 'running' && !(entry.type === 'phase' && entry.version === 2)
    )
    simulation.run(() => peer.isUp)
    expect(peer.state.damage).toContain('one of them is from another time')
  })
})

describe('a version that does not work', () => {
  const isUpgradeTo = (plan: HostPlan, version: number): boolean =>
    plan.object.version === version && plan.steps.length > 0

  it('stays out when its module throws in the rehearsal, and the old one goes on', () => {
    const simulation = new Simulation({
      peers: 1,
      seed: 1,
      faults: { rehearse: version => (version === 2 ? 'it throws' : undefined) }
    })
    const peer = simulation.peers[0]!
    peer.boot()
    for (const { descriptor } of versions(2)) simulation.publish(descriptor)
    simulation.run(() => peer.state.versions.get(2)?.phase === 'introduceFailed')
    expect(peer.served()).toEqual([1, 1])
    expect(peer.said?.versions).toMatchObject([{ version: 2, phase: 'introduceFailed', reason: 'it throws' }])
  })

  it('is tried again with pauses when its transform fails, then given up until the operator says so', () => {
    let broken = true
    const simulation = new Simulation({
      peers: 1,
      seed: 1,
      faults: {
        switch: plan =>
          broken && isUpgradeTo(plan, 2) ? { cause: 'the transform threw', stage: 'transforming' } : undefined
      }
    })
    const peer = simulation.peers[0]!
    peer.boot()
    for (const { descriptor } of versions(2)) simulation.publish(descriptor)
    simulation.run(() => peer.state.versions.get(2)?.phase === 'failed')
    expect(peer.served()?.[0]).toBe(1)
    expect(peer.state.running).toBe(1)
    expect(peer.disk.meta?.current).toBe(1)
    broken = false
    peer.input({ fact: 'operator', word: 'resume', version: 2 })
    simulation.run(() => peer.isSettledAt(2))
  })

  it('is withdrawn when the host dies on its probation, and costs the old version nothing (P2)', () => {
    const simulation = new Simulation({ peers: 1, seed: 1 })
    const peer = simulation.peers[0]!
    peer.boot()
    for (const { descriptor } of versions(2)) simulation.publish(descriptor)
    simulation.run(() => peer.state.versions.get(2)?.phase === 'probation')
    peer.input({ fact: 'hostExited', plan: peer.state.host.plan!.plan, cause: 'exit code 1' })
    expect(peer.served(), 'at once, before a host without it runs').toEqual([1, 1])
    simulation.run(() => peer.state.host.status === 'up')
    expect(peer.state.versions.get(2)?.phase).toBe('introduceFailed')
    expect(peer.state.host.plan?.future).toEqual([])
    expect(peer.served()).toEqual([1, 1])
  })

  it('is what runs when the host dies after the pointer has moved: there is no half way back (R13)', () => {
    let deaths = 1
    const simulation = new Simulation({
      peers: 1,
      seed: 1,
      faults: {
        switch: plan =>
          isUpgradeTo(plan, 2) && deaths-- > 0
            ? { cause: 'exit code 9', stage: 'activated', restored: false, moved: true }
            : undefined
      }
    })
    const peer = simulation.peers[0]!
    peer.boot()
    for (const { descriptor } of versions(2)) simulation.publish(descriptor)
    simulation.run(() => peer.isSettledAt(2))
    expectInOrder(peer, 1, 2)
  })

  it('goes back where its author left a way, and stays away until a word is said', () => {
    const simulation = new Simulation({ peers: 1, seed: 1 })
    const peer = simulation.peers[0]!
    const log = versions(2, version =>
      version === 2 ? { classes: [{ ...versions(2)[1]!.descriptor.classes[0]!, back: 'copy' }] } : {}
    )
    peer.boot()
    for (const { descriptor } of log) simulation.publish(descriptor)
    simulation.run(() => peer.state.versions.get(2)?.phase === 'trial')
    peer.input({ fact: 'operator', word: 'goBack', version: 2 })
    simulation.run(() => peer.state.versions.get(2)?.phase === 'wentBack')
    expect(peer.state.running).toBe(1)
    expect(peer.disk.meta?.current).toBe(1)
    expect(peer.said).toMatchObject({
      running: { version: 1 },
      versions: [{ version: 2, phase: 'wentBack', reason: 'an operator of this peer sent it back' }]
    })
  })
})

describe('a peer that is too old for a version', () => {
  it('stays where it is, serves, and says what it needs (§16)', () => {
    const simulation = new Simulation({ peers: 1, seed: 1 })
    const peer = simulation.peers[0]!
    peer.boot()
    for (const { descriptor } of versions(2, version => (version === 2 ? { runtime: '>=9.0.0' } : {})))
      simulation.publish(descriptor)
    simulation.run(() => peer.state.versions.get(2)?.reason !== undefined && peer.served() !== undefined)
    expect(peer.served()).toEqual([1, 1])
    expect(peer.said?.versions).toMatchObject([
      { version: 2, phase: 'known', reason: expect.stringContaining('needs Instar >=9.0.0') as string }
    ])
  })
})

describe('the health gate', () => {
  it('lets no further peer introduce a version that two others could not (§1)', () => {
    const simulation = new Simulation({ peers: 4, seed: 3 })
    const [a, b, c, d] = simulation.peers as [SimulatedPeer, SimulatedPeer, SimulatedPeer, SimulatedPeer]
    const log = versions(2)
    for (const peer of simulation.peers) {
      peer.boot()
      peer.learn(log[0]!.descriptor, 1)
    }
    simulation.run(() => simulation.peers.every(peer => peer.served() !== undefined))
    for (const peer of [a, b]) {
      peer.learn(log[1]!.descriptor, 1)
      simulation.run(() => peer.state.versions.get(2)?.phase === 'probation')
      peer.input({ fact: 'hostExited', plan: peer.state.host.plan!.plan, cause: 'exit code 1' })
    }
    simulation.run(
      () =>
        d.state.roster.size === 3 &&
        [...d.state.roster.values()].filter(({ announcement }) => announcement.versions[0]?.phase === 'introduceFailed')
          .length === 2
    )
    for (const peer of [c, d]) peer.learn(log[1]!.descriptor, 1)
    simulation.run(() => [c, d].every(peer => peer.state.versions.get(2)?.reason?.includes('failed at 2 of') === true))
    expect(d.served()).toEqual([1, 1])
  })
})
