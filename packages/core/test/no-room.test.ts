import { describe, expect, it } from 'vitest'
import type { HostPlan } from '../src/index.js'
import { versions } from './descriptors.js'
import { phaseOf } from './one-peer.js'
import { Simulation } from './simulation.js'

const cause = 'No process could be started for the host of Counter 1: spawn EMFILE.'

/** One peer on a machine where hosts of these plans find no room, so many times. */
function shortOfRoom(isShort: (plan: HostPlan) => boolean, times: number, restored: boolean) {
  let left = times
  const simulation = new Simulation({
    peers: 1,
    seed: 1,
    faults: {
      switch: plan => (isShort(plan) && left-- > 0 ? { cause, stage: 'spawned', restored, transient: true } : undefined)
    }
  })
  const peer = simulation.peers[0]!
  peer.boot()
  for (const { descriptor } of versions(2)) simulation.publish(descriptor)
  return { simulation, peer, left: () => left }
}

describe('a machine without room for another process', () => {
  it('delays an introduction, with its reason and pauses that grow, and blames no version (§1)', () => {
    const { simulation, peer, left } = shortOfRoom(plan => plan.future.length > 0, 5, true)
    simulation.run(() => left() <= 0)
    simulation.run(() => peer.state.host.switching === undefined)
    expect(phaseOf(peer, 2)).toBe('introducing')
    expect(peer.state.versions.get(2)?.reason).toContain(cause)
    expect(peer.state.host.retryMonoMs - simulation.nowMs).toBeGreaterThan(500)
    expect(peer.served()).toEqual([1, 1])
    simulation.run(() => peer.isSettledAt(2))
    expect(peer.disk.journal.some(entry => entry.type === 'phase' && entry.phase === 'introduceFailed')).toBe(false)
  })

  it('delays a start, and costs no version that was introduced', () => {
    const { simulation, peer, left } = shortOfRoom(plan => plan.object.version === 1 && isRestart, 4, false)
    let isRestart = false
    peer.input({ fact: 'operator', word: 'hold' })
    simulation.run(() => phaseOf(peer, 2) === 'waiting')
    isRestart = true
    peer.input({ fact: 'hostExited', plan: peer.state.host.plan!.plan, cause: 'exit code 1' })
    simulation.run(() => left() <= 0 && peer.state.host.status === 'up')
    expect(peer.served()).toEqual([1, 2])
  })

  it('delays an upgrade for as long as it lasts, and fails no version', () => {
    const { simulation, peer, left } = shortOfRoom(plan => plan.object.version === 2, 9, true)
    simulation.run(() => left() <= 0)
    simulation.run(() => peer.isSettledAt(2))
    expect(peer.disk.journal.some(entry => entry.type === 'phase' && entry.phase === 'failed')).toBe(false)
  })
})
