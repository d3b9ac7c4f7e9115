import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { firstCount, placeInLine, type Fellow } from '../src/lifecycle/ramp.js'
import { comparePhases, sha256Hex } from '../src/index.js'
import { classUpgrade, versions } from './descriptors.js'
import { phaseOf } from './one-peer.js'
import { Simulation, type SimulatedPeer } from './simulation.js'

const minute = 60_000

/** Peers that have settled at version 1 and know each other, the first in line for version 2, and its publication. */
function network(peers: number, seed = 1): [Simulation, SimulatedPeer, () => void] {
  const simulation = new Simulation({ peers, seed })
  for (const peer of simulation.peers) peer.boot()
  const [one, two] = versions(2, version => ({
    classes: [classUpgrade(version, { introduceOverMs: 10 * minute, probationMs: minute })]
  }))
  simulation.publish(one!.descriptor)
  simulation.run(() => simulation.peers.every(peer => peer.isSettledAt(1) && peer.state.roster.size === peers - 1))
  const keys = new Map(simulation.peers.map(peer => [sha256Hex(peer.id, two!.descriptorHash), peer]))
  const first = keys.get([...keys.keys()].sort()[0]!)!
  return [simulation, first, () => simulation.publish(two!.descriptor)]
}

function isTrying(peer: SimulatedPeer): boolean {
  const phase = phaseOf(peer, 2)
  return phase === 'introducing' || phase === 'probation'
}

function hasPassed(peer: SimulatedPeer): boolean {
  const phase = peer.state.versions.get(2)?.phase
  return phase !== undefined && comparePhases(phase, 'introduced') >= 0 && comparePhases(phase, 'retired') <= 0
}

describe('the ramp of an introduction (§2b)', () => {
  it('lets the first peer try it alone, and the others only after its probation, spread out', () => {
    const [simulation, , publish] = network(8)
    publish()
    const turns: number[] = []
    simulation.run(() => {
      const trying = simulation.peers.filter(isTrying)
      if (!simulation.peers.some(hasPassed)) expect(trying.length).toBeLessThanOrEqual(1)
      turns.push(simulation.peers.filter(hasPassed).length)
      return simulation.peers.every(hasPassed)
    }, 20 * minute)
    // Nobody goes together: each number of peers was the number for a while.
    expect(new Set(turns)).toEqual(new Set([0, 1, 2, 3, 4, 5, 6, 7, 8]))
    expect(simulation.nowMs).toBeGreaterThan(2 * minute)
  })

  it('says whom a peer waits for, and when its turn comes (R18)', () => {
    const [simulation, first, publish] = network(3)
    publish()
    const isWaiting = (peer: SimulatedPeer): boolean => peer.state.versions.get(2)?.reason?.includes('§2b') === true
    simulation.run(() => simulation.peers.filter(isWaiting).length === 2)
    simulation.run(() => phaseOf(first, 2) === 'probation')
    for (const peer of simulation.peers.filter(isWaiting))
      expect(peer.said?.versions[0]).toMatchObject({
        phase: 'rehearsing',
        reason: `its rehearsal went well: one peer introduces it first, and this one waits until it has passed its probation there (§2b: …${first.id.slice(-8)})`
      })
    simulation.run(() => simulation.peers.filter(isWaiting).every(peer => reasonOf(peer).includes('spread out')))
  })

  it.each([
    ['has died', (peer: SimulatedPeer) => peer.kill()],
    ['dies on probation', (peer: SimulatedPeer) => (peer.killAt = (_, effect) => effect.effect === 'switchHost')],
    ['does not come so far', (peer: SimulatedPeer) => peer.input({ fact: 'freshUntil', untilMs: 0 })]
  ])('goes on in bounded time when the first peer %s', (_, befall) => {
    const [simulation, first, publish] = network(5)
    befall(first)
    publish()
    const others = simulation.peers.filter(peer => peer !== first)
    const from = simulation.nowMs
    simulation.run(() => others.every(hasPassed), 40 * minute)
    // One share is given up after 11 min, the next one is alone for a minute, and then they are spread out over 10.
    expect(simulation.nowMs - from).toBeLessThan(24 * minute)
  })

  it('lets a module that kills its host on probation reach two peers and no third', () => {
    const [simulation, , publish] = network(12)
    publish()
    const tried = new Map<number, number>()
    const from = simulation.nowMs
    simulation.run(() => {
      for (const peer of simulation.peers) {
        if (isTrying(peer) && !tried.has(peer.index)) tried.set(peer.index, simulation.nowMs)
        const plan = peer.state.host.plan?.plan
        if (phaseOf(peer, 2) === 'probation' && plan !== undefined)
          peer.input({ fact: 'hostExited', plan, cause: 'it ran out of memory' })
      }
      return simulation.nowMs > 60 * minute
    }, 90 * minute)
    expect(tried.size).toBe(2)
    // The next one in line does not wait for one that has failed.
    expect([...tried.values()][1]! - from).toBeLessThan(5 * minute)
    const waiting = simulation.peers.filter(peer => phaseOf(peer, 2) === 'rehearsing')
    expect(waiting).toHaveLength(10)
    for (const peer of waiting) expect(reasonOf(peer)).toMatch(/version 2 failed at 2 of 2 peers/)
  })

  it('is left out where the descriptor says so, and for one peer alone', () => {
    const simulation = new Simulation({ peers: 1, seed: 1 })
    const [peer] = simulation.peers
    peer!.boot()
    for (const { descriptor } of versions(2, version => ({
      classes: [classUpgrade(version, { introduceOverMs: 10 * minute })]
    })))
      simulation.publish(descriptor)
    simulation.run(() => hasPassed(peer!), 1000)
  })
})

interface Walker {
  readonly peer: string
  readonly key: string
  is: Fellow['is']
  readonly isStuck: boolean
}

describe('the place in the line', () => {
  const worlds = fc.record({
    peers: fc.oneof({ weight: 5, arbitrary: fc.integer({ min: 1, max: 12 }) }, fc.integer({ min: 190, max: 210 })),
    // Of a hundred: how many fail, how many come to no end, how many do something in one round.
    failing: fc.integer({ min: 0, max: 100 }),
    stuck: fc.integer({ min: 0, max: 100 }),
    acting: fc.integer({ min: 20, max: 100 }),
    seed: fc.integer()
  })

  it('lets no more than the first share go before they passed, whoever fails, and lets everybody go in the end', () => {
    fc.assert(
      fc.property(worlds, ({ peers, failing, stuck, acting, seed }) => {
        const simulation = new Simulation({ peers: 0, seed })
        const all = Array.from({ length: peers }, (_, i): Walker => ({
          peer: `${i}`,
          key: sha256Hex(`${seed} ${i}`),
          is: 'inLine',
          isStuck: simulation.random(100) < stuck
        }))
        const first = firstCount(peers)
        let givenUp = 0
        const act = (self: Walker): boolean => {
          if (self.is === 'trying' && !self.isStuck) self.is = simulation.random(100) < failing ? 'gone' : 'passed'
          else if (self.is === 'inLine') {
            const others = all.filter(each => each !== self)
            if (placeInLine(self.key, others, givenUp).may === 'wait') return false
            self.is = 'trying'
          } else return false
          return true
        }
        while (all.some(each => each.is === 'inLine')) {
          for (const self of all) if (simulation.random(100) < acting) act(self)
          const passed = all.filter(each => each.is === 'passed').length
          const trying = all.filter(each => each.is === 'trying').length
          if (passed < first) expect(passed + trying).toBeLessThanOrEqual(first * (1 + givenUp))
          // Nothing more happens by itself: the time comes at which those in front are given up.
          if (!all.some(act)) givenUp++
          expect(givenUp * first).toBeLessThanOrEqual(peers)
        }
      }),
      { numRuns: 10 }
    )
  })
})

function reasonOf(peer: SimulatedPeer): string {
  return peer.state.versions.get(2)?.reason ?? ''
}
