import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { propertyRuns } from '../../../test/property-budget.js'
import { routesOf, sha256Hex, type Descriptor, type Effect } from '../src/index.js'
import { classUpgrade, repair, versions } from './descriptors.js'
import { phaseOf } from './one-peer.js'
import { Simulation, type SimulatedPeer } from './simulation.js'

// Version 2 is bad, and stands differently at each peer: below, on trial, committed, gone back from, halted. Version 3 repairs it (§4).

/** In the order in which they can be reached: where version 2 has failed at others, the health gate lets nobody begin it. */
const places = ['below', 'committed', 'trial', 'wentBack'] as const
type Place = (typeof places)[number]
const halt = { fact: 'halt', version: 2, unload: false, reason: 'it loses orders' } as const

const runsOf = (peer: SimulatedPeer): number[] =>
  peer.disk.journal.flatMap(entry => (entry.type === 'running' ? [entry.version] : []))

function isAt(peer: SimulatedPeer, place: Place): boolean {
  if (place === 'below') return peer.served() !== undefined
  return phaseOf(peer, 2) === place && peer.state.host.status === 'up'
}

/** Brings every peer to where it is to stand, and those that go back only when all have tried. */
function bring(simulation: Simulation, stands: readonly Place[], bad: Descriptor): void {
  const { peers } = simulation
  for (const [i, peer] of peers.entries()) {
    peer.learn(bad, 0)
    simulation.run(() => peer.state.log.length === 2)
    if (stands[i] === 'below') peer.input({ fact: 'operator', word: 'hold', version: 2 })
    else simulation.run(() => phaseOf(peer, 2) === (stands[i] === 'committed' ? 'committed' : 'trial'))
  }
  for (const [i, peer] of peers.entries())
    if (stands[i] === 'wentBack') peer.input({ fact: 'operator', word: 'goBack', version: 2 })
  simulation.run(() => peers.every((peer, i) => isAt(peer, stands[i]!)))
}

describe('a version that supersedes another one', () => {
  it('is reached by all, from wherever they stand, and nobody is taken to the other one any more', () => {
    const place = fc.constantFrom(...places)
    const backs = fc.constantFrom('none' as const, 'copy' as const)
    fc.assert(
      fc.property(
        fc.array(place, { minLength: 1, maxLength: 3 }),
        backs,
        fc.boolean(),
        fc.nat(),
        (drawn, back, isHalted, seed) => {
          const stands = drawn.toSorted((a, b) => places.indexOf(a) - places.indexOf(b))
          const stays = stands.includes('trial') || stands.includes('wentBack')
          if (back === 'none' && stands.includes('wentBack')) return
          const simulation = new Simulation({ peers: stands.length, seed, timing: { introduceGraceMs: 0 } })
          const log = versions(2, version => ({
            classes: [classUpgrade(version, version === 2 ? { back, stableMs: stays ? 60_000 : 1000 } : {})]
          }))
          for (const peer of simulation.peers) {
            peer.boot()
            peer.learn(log[0]!.descriptor, 0)
          }
          simulation.run(() => simulation.peers.every(peer => peer.served() !== undefined))
          bring(simulation, stands, log[1]!.descriptor)
          if (isHalted) for (const peer of simulation.peers) peer.trust(halt)
          const fixed = repair(log, 1)
          const late: Effect[] = []
          for (const peer of simulation.peers) {
            peer.killAt = (when, effect) => {
              if (when === 'before' && peer.state.log.length === 3) late.push(effect)
              return false
            }
            peer.learn(fixed, 1)
          }
          simulation.run(() => simulation.peers.every(peer => peer.isCommittedAt(3)), 3_600_000)
          for (const effect of late) {
            if (effect.effect !== 'switchHost' || effect.purpose !== 'upgrade') continue
            expect(effect.plan.object.version).toBe(3)
            // Each goes on by the class upgrade that was made for where it stands.
            for (const { from, bundle } of effect.plan.steps) expect(bundle).toBe(sha256Hex(`bundle 3 from ${from}`))
          }
          for (const peer of simulation.peers) {
            const hasRun = phaseOf(peer, 2) !== 'superseded'
            const route = routesOf(peer.state).entries[1]
            if (!hasRun) expect(route).toMatchObject({ state: 'superseded', by: 3 })
            else expect(runsOf(peer)).toContain(2)
            expect(runsOf(peer).at(-1)).toBe(3)
          }
        }
      ),
      { numRuns: propertyRuns(15) }
    )
  })
})
