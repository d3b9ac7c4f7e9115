import { describe, expect, it } from 'vitest'
import { compactEntries, effectivePolicy, gatesOf, overdueVersions, type LocalPolicy } from '../src/index.js'
import { classUpgrade, versions } from './descriptors.js'
import { phaseOf } from './one-peer.js'
import { Simulation, type SimulatedPeer } from './simulation.js'

const hourMs = 3_600_000
const start = '1970-01-01T00:00:00.000Z'
/** Not today, by the clock of the simulation. */
const windows: LocalPolicy['windows'] = [{ days: ['sat'], from: '10:00', to: '12:00', zone: 'UTC' }]

/** One peer with a version 2, whose deadline has long passed where that is asked for. */
function peerUnder(policy: Partial<LocalPolicy>, isLate = false): [Simulation, SimulatedPeer] {
  const simulation = new Simulation({ peers: 1, seed: 1, policy })
  const peer = simulation.peers[0]!
  peer.boot()
  const never = { type: 'manual' } as const
  const schedule = { strategy: never, deadline: isLate ? start : '2100-01-01T00:00:00.000Z', deadlineSpreadMs: 0 }
  for (const { descriptor } of versions(2, version => ({ classes: [classUpgrade(version, { schedule })] })))
    simulation.publish(descriptor)
  return [simulation, peer]
}

function wait(simulation: Simulation, forMs: number): void {
  const until = simulation.nowMs + forMs
  simulation.run(() => simulation.nowMs >= until)
}

function reasonAt(peer: SimulatedPeer): string {
  const { now } = peer
  const schedule = gatesOf(peer.state, peer.state.versions.get(2)!, now).find(each => each.name === 'schedule')
  return schedule?.state.open === false ? schedule.state.reason : 'open'
}

describe('what the operator does not allow', () => {
  it.each([
    ['a hold', { hold: true }, /operator of this peer holds it/],
    ['a highest version', { highestVersion: 1 }, /allows no version above 1/],
    ['a closed window', { windows }, /no maintenance window .* next opens at 1970-01-\d\dT10:00:00/]
  ])('%s keeps a peer below its deadline and past it, and that is said', (_, policy, reason) => {
    for (const isLate of [false, true]) {
      const [simulation, peer] = peerUnder(policy, isLate)
      wait(simulation, hourMs)
      expect(phaseOf(peer, 2)).toBe('waiting')
      expect(reasonAt(peer)).toMatch(reason)
      expect(peer.said?.versions.find(each => each.version === 2)?.reason).toMatch(reason)
      const overdue = overdueVersions(peer.state, peer.now)
      expect(overdue).toHaveLength(isLate ? 1 : 0)
      if (isLate) expect(overdue[0]?.reason).toMatch(reason)
    }
  })
})
