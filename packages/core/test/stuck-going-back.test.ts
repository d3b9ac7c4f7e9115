import { describe, expect, it } from 'vitest'
import { classUpgrade, descriptor, repair, versions } from './descriptors.js'
import { phaseOf } from './one-peer.js'
import { Simulation, type SimulatedPeer } from './simulation.js'

const cause = 'its reverse transform threw'
const log = versions(2, version => ({ classes: [classUpgrade(version, version > 1 ? { back: 'copy' } : {})] }))

/** One peer that an operator has sent back from version 2, so many times in vain. */
function goingBack(failures: number): [Simulation, SimulatedPeer] {
  let failed = 0
  const simulation = new Simulation({
    peers: 1,
    seed: 1,
    faults: {
      switch: ({ goBack }) =>
        goBack === undefined || failed++ >= failures ? undefined : { cause, stage: 'transforming', restored: true }
    }
  })
  const peer = simulation.peers[0]!
  peer.boot()
  for (const { descriptor } of log) simulation.publish(descriptor)
  simulation.run(() => phaseOf(peer, 2) === 'trial')
  peer.input({ fact: 'operator', word: 'goBack', version: 2 })
  if (failures > 0) simulation.run(() => peer.state.versions.get(2)?.reason?.includes(cause) === true)
  return [simulation, peer]
}

describe('a way back that fails', () => {
  it('is told to others, and tried again while the version serves on', () => {
    const [simulation, peer] = goingBack(3)
    expect([phaseOf(peer, 2), peer.state.host.status, peer.served()]).toEqual(['goingBack', 'up', [1, 2]])
    expect(peer.said?.versions[0]).toMatchObject({
      phase: 'goingBack',
      reason: `an operator of this peer sent it back; the way back failed: ${cause}; it is tried again`
    })
    simulation.run(() => phaseOf(peer, 2) === 'wentBack')
    expect([peer.state.running, peer.served()]).toEqual([1, [1, 1]])
    peer.input({ fact: 'operator', word: 'resume', version: 2 })
    simulation.run(() => peer.isSettledAt(2))
  })

  it('leaves nobody unserved after a restart either', () => {
    const [simulation, peer] = goingBack(Infinity)
    peer.kill()
    peer.boot()
    simulation.run(() => peer.state.host.status === 'up')
    expect([phaseOf(peer, 2), peer.served()]).toEqual(['goingBack', [1, 2]])
    expect(peer.state.host.plan?.wayBack).toEqual({ by: 'copy', to: 1 })
  })

  it('for good does not keep away what supersedes the version, also across a restart', () => {
    const [simulation, peer] = goingBack(Infinity)
    simulation.publish(repair(log, 1))
    simulation.run(() => phaseOf(peer, 3) !== undefined)
    peer.kill()
    peer.boot()
    simulation.run(() => peer.isSettledAt(3))
    expect(peer.disk.journal.flatMap(each => (each.type === 'running' ? [each.version] : []))).toEqual([2, 3])
  })

  it('keeps away what does not supersede it', () => {
    const [simulation, peer] = goingBack(5)
    simulation.publish(descriptor(log, { classes: [classUpgrade(3)] }))
    simulation.run(() => phaseOf(peer, 2) === 'wentBack')
    expect(peer.disk.journal.flatMap(each => (each.type === 'running' ? [each.version] : []))).toEqual([2, 1])
  })

  it('is waited for by a repair as long as it has not failed', () => {
    const [simulation, peer] = goingBack(0)
    simulation.publish(repair(log, 1))
    simulation.run(() => peer.isSettledAt(3))
    expect(peer.disk.journal.flatMap(each => (each.type === 'running' ? [each.version] : []))).toEqual([2, 1, 3])
  })
})
