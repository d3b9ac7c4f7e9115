import { expect, it } from 'vitest'
import { classUpgrade, versions } from './descriptors.js'
import { phaseOf } from './one-peer.js'
import { Simulation } from './simulation.js'

it('one peer at which a version failed keeps no other one waiting, and two do (§1)', () => {
  const simulation = new Simulation({ peers: 4, seed: 1 })
  const [first, second, ...others] = simulation.peers
  for (const peer of simulation.peers) {
    peer.boot()
    peer.input({ fact: 'operator', word: 'hold' })
  }
  const log = versions(2, version => ({ classes: [classUpgrade(version)] }))
  for (const { descriptor } of log) simulation.publish(descriptor)
  simulation.run(() => simulation.peers.every(peer => phaseOf(peer, 2) === 'waiting'))
  const fail = (peer = first): void =>
    peer?.input({ fact: 'simulationFailed', plan: peer.state.host.plan!.plan, revision: 2, cause: 'it threw' })
  const hears = (peer = first, of = first): boolean =>
    peer?.state.roster.get(of?.id ?? '')?.announcement.versions[0]?.phase === 'introduceFailed'
  fail()
  simulation.run(() => hears(others[0]))
  others[0]?.input({ fact: 'operator', word: 'resume' })
  simulation.run(() => phaseOf(others[0]!, 2) === 'committed')
  fail(second)
  simulation.run(() => hears(others[1], second))
  others[1]?.input({ fact: 'operator', word: 'resume' })
  simulation.run(() => others[1]?.state.versions.get(2)?.reason?.includes('failed at 2 of') === true)
  expect(others[1]?.state.running).toBe(1)
})
