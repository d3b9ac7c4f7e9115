import { describe, expect, it } from 'vitest'
import { onePeer, phaseOf } from './one-peer.js'
import type { Simulation, SimulatedPeer } from './simulation.js'

const twin = { future: 'twin', past: 'twin', transform: 'mapping', back: 'exact' } as const
const cause = 'its event loop stood still for 10000 ms, so it was killed, while Counter version 2, add ran'

/** The host ends by the doing of this revision, and another one serves. */
function bringDown(simulation: Simulation, peer: SimulatedPeer, suspect: number | undefined): void {
  const plan = peer.state.host.plan!.plan
  peer.input({ fact: 'hostExited', plan, cause, ...(suspect === undefined ? {} : { suspect }), crash: {} })
  expect(peer.state.host.status).toBe('down')
  simulation.run(() => peer.state.host.switching === undefined && peer.state.host.status === 'up')
}

describe('code that brings its host down', () => {
  it('as a future simulation object is not introduced any more, after one time (P2)', () => {
    const [simulation, peer] = onePeer(3, undefined, true)
    simulation.run(() => phaseOf(peer, 3) === 'introduced')
    bringDown(simulation, peer, 2)
    expect(phaseOf(peer, 2)).toBe('introduceFailed')
    expect(peer.state.host.plan!.future).toEqual([])
    expect(peer.served()).toEqual([1, 1])
  })

  it.each([undefined, 2])('is not built any more after one time, known to be its doing or not: %s (P2)', suspect => {
    const [simulation, peer] = onePeer(2, version => (version === 1 ? {} : twin))
    simulation.run(() => peer.state.host.building.size > 0)
    bringDown(simulation, peer, suspect)
    expect(phaseOf(peer, 2)).toBe('introduceFailed')
    expect(peer.served()).toEqual([1, 1])
  })

  it('as the object stops no build', () => {
    const [simulation, peer] = onePeer(2, version => (version === 1 ? {} : twin))
    simulation.run(() => peer.state.host.building.size > 0)
    bringDown(simulation, peer, 1)
    simulation.run(() => peer.isSettledAt(2))
  })

  it('as the object costs no version that is introduced, however often', () => {
    const [simulation, peer] = onePeer(2, undefined, true)
    simulation.run(() => phaseOf(peer, 2) === 'waiting')
    for (let times = 0; times < 3; times++) bringDown(simulation, peer, 1)
    expect(peer.served()).toEqual([1, 2])
  })

  it('as the object on trial sends the peer back, at the second time in a row', () => {
    const [simulation, peer] = onePeer(2, () => ({ back: 'copy' }))
    simulation.run(() => phaseOf(peer, 2) === 'trial')
    bringDown(simulation, peer, 2)
    expect(phaseOf(peer, 2)).toBe('trial')
    bringDown(simulation, peer, 2)
    simulation.run(() => phaseOf(peer, 2) === 'wentBack')
    expect(peer.state.running).toBe(1)
  })

  it('as a past simulation object ends a trial at once', () => {
    const [simulation, peer] = onePeer(2, () => ({ back: 'copy' }))
    simulation.run(() => phaseOf(peer, 2) === 'trial')
    bringDown(simulation, peer, 1)
    simulation.run(() => phaseOf(peer, 2) === 'wentBack')
  })

  it('as a past simulation object after commit is retired, at the second time in a row', () => {
    const [simulation, peer] = onePeer(2, () => ({ retirement: { quietMs: 1_000_000 } }))
    simulation.run(() => phaseOf(peer, 2) === 'committed')
    for (const suspect of [2, 1, 2, 1]) bringDown(simulation, peer, suspect)
    expect(peer.served()).toEqual([1, 2])
    bringDown(simulation, peer, 1)
    expect(peer.served()).toEqual([2, 2])
  })
})
