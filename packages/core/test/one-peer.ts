import type { ClassUpgrade } from '../src/index.js'
import { classUpgrade, versions } from './descriptors.js'
import { Simulation, type SimulatedPeer } from './simulation.js'

/**
 * One peer alone, in a network in which so many versions are published.
 *
 * @param held nothing is upgraded before the operator says so
 */
export function onePeer(
  count: number,
  over: (version: number) => Partial<ClassUpgrade> = () => ({}),
  held = false,
  compact = false
): [Simulation, SimulatedPeer] {
  const simulation = new Simulation({ peers: 1, seed: 1, compact })
  const peer = simulation.peers[0]!
  peer.boot()
  if (held) peer.input({ fact: 'operator', word: 'hold' })
  for (const { descriptor } of versions(count, version => ({ classes: [classUpgrade(version, over(version))] })))
    simulation.publish(descriptor)
  return [simulation, peer]
}

export function phaseOf(peer: SimulatedPeer, version: number): string | undefined {
  return peer.state.versions.get(version)?.phase
}
