// What a rehearsal on a copy of the real state decides (R13), and what it is worth after a restart.

import { describe, expect, it } from 'vitest'
import type { HostPlan } from '../src/index.js'
import { classUpgrade, twinUpgrade, versions } from './descriptors.js'
import { phaseOf } from './one-peer.js'
import { Simulation, type SimulatedPeer } from './simulation.js'

type Fault = { cause: string; transient: boolean } | undefined

/** One peer with a version 2 to come, whose rehearsals end as `fault` says at the time. */
function start(
  fault: () => Fault,
  shape = classUpgrade
): { simulation: Simulation; peer: SimulatedPeer; plans: HostPlan[] } {
  const plans: HostPlan[] = []
  const simulation = new Simulation({
    peers: 1,
    seed: 1,
    faults: {
      rehearseState: plan => {
        plans.push(plan)
        return fault()
      }
    }
  })
  const peer = simulation.peers[0]!
  peer.boot()
  for (const { descriptor } of versions(2, version => ({ classes: [shape(version)] }))) simulation.publish(descriptor)
  return { simulation, peer, plans }
}

const said = (peer: SimulatedPeer): string | undefined => peer.said?.versions.find(each => each.version === 2)?.reason

describe('an upgrade with a transform', () => {
  it('is not made where its rehearsal fails: the old version goes on, and others are told why', () => {
    let fault: Fault = { cause: 'it stumbles over 13', transient: false }
    const { simulation, peer, plans } = start(() => fault)
    simulation.run(() => phaseOf(peer, 2) === 'failed')
    expect(peer.state).toMatchObject({ running: 1, host: { status: 'up' } })
    expect(said(peer)).toBe('its rehearsal on a copy of the state failed: it stumbles over 13')
    fault = undefined
    peer.input({ fact: 'operator', word: 'resume', version: 2 })
    simulation.run(() => peer.isSettledAt(2))
    expect(plans).toHaveLength(2)
  })

  it('waits where the rehearsal could not take place, says so, and tries again', () => {
    let left = 3
    const { simulation, peer, plans } = start(() =>
      left-- > 0 ? { cause: 'the disk is full', transient: true } : undefined
    )
    simulation.run(() => said(peer)?.includes('could not be tried yet: the disk is full') === true)
    expect(phaseOf(peer, 2)).toBe('waiting')
    simulation.run(() => peer.isSettledAt(2))
    expect(plans).toHaveLength(4)
  })

  it('is rehearsed once: a restart remembers what it came to, and the pause is announced', () => {
    const { simulation, peer, plans } = start(() => undefined)
    peer.input({ fact: 'operator', word: 'hold' })
    simulation.run(() => said(peer)?.includes('calls will be held for about 40 ms') === true)
    peer.kill()
    peer.boot()
    simulation.run(() => said(peer)?.includes('calls will be held for about 40 ms') === true)
    peer.input({ fact: 'operator', word: 'resume' })
    simulation.run(() => peer.isSettledAt(2))
    expect(plans).toHaveLength(1)
  })

  it('is rehearsed no further when it is halted (P1)', () => {
    const { simulation, peer } = start(() => undefined)
    simulation.run(() => peer.state.versions.get(2)?.rehearsal.effect !== undefined)
    peer.input({ fact: 'halt', version: 2, unload: false, reason: 'it loses orders' })
    expect(peer.state.versions.get(2)?.rehearsal.effect).toBe(undefined)
    expect(peer.state.running).toBe(1)
  })
})

it('a twin is built beside calls, and has nothing to rehearse', () => {
  const { simulation, peer, plans } = start(() => undefined, twinUpgrade)
  simulation.run(() => peer.isSettledAt(2))
  expect(plans).toEqual([])
})

describe('an upgrade whose trial would go back by code', () => {
  const byCode = (version: number) =>
    classUpgrade(version, version === 1 ? {} : { transform: 'none', back: 'transform' })

  it('is tried with its way back, also where nothing is transformed on the way there', () => {
    const tried: Array<readonly [HostPlan, HostPlan | undefined]> = []
    const faults = { rehearseState: (plan: HostPlan, back?: HostPlan) => void tried.push([plan, back]) }
    const simulation = new Simulation({ peers: 1, seed: 1, faults })
    const peer = simulation.peers[0]!
    peer.boot()
    const log = versions(2, version => ({ classes: [byCode(version)] }))
    for (const { descriptor } of log) simulation.publish(descriptor)
    simulation.run(() => peer.isSettledAt(2))
    expect(tried).toHaveLength(1)
    const [plan, back] = tried[0]!
    expect(plan.object.version).toBe(2)
    expect(back).toMatchObject({
      object: { version: 1, bundle: log[0]?.descriptor.classes[0]?.bundle },
      goBack: 'transform',
      steps: [],
      reverse: [{ from: 2, to: 1, bundle: log[1]?.descriptor.classes[0]?.bundle }]
    })
  })

  it('is not made where that fails', () => {
    const fault = { cause: 'this peer could not go back to version 1', transient: false }
    const { simulation, peer } = start(() => fault, byCode)
    simulation.run(() => phaseOf(peer, 2) === 'failed')
    expect(said(peer)).toContain('could not go back to version 1')
  })
})
