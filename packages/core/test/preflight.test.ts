import { describe, expect, it } from 'vitest'
import { canRunOn } from '../src/descriptor/needs.js'
import type { ClassUpgrade, MachineFacts } from '../src/index.js'
import { classUpgrade, twinUpgrade, versions } from './descriptors.js'
import { phaseOf } from './one-peer.js'
import { Simulation, type SimulatedPeer } from './simulation.js'

const mebibyte = 1024 * 1024
const roomy: Partial<MachineFacts> = {
  freeDiskBytes: 900 * mebibyte,
  stateBytes: 100 * mebibyte,
  freeMemoryBytes: 900 * mebibyte
}

/** One peer at version 1, of whose machine the test says what it has, and version 2 published. */
function peerOn(machine: () => Partial<MachineFacts>, upgrade: ClassUpgrade): [Simulation, SimulatedPeer] {
  const simulation = new Simulation({ peers: 1, seed: 1, faults: { machine } })
  const peer = simulation.peers[0]!
  peer.boot()
  const log = versions(2, version => ({ classes: [version === 1 ? classUpgrade(1) : upgrade] }))
  for (const { descriptor } of log) simulation.publish(descriptor)
  return [simulation, peer]
}

const reasonOf = (peer: SimulatedPeer): string => peer.state.versions.get(2)?.reason ?? ''
const effects = (peer: SimulatedPeer): number => peer.state.lastEffect

describe('a machine that lacks something', () => {
  it.each([
    [
      'room for a second state, before the introduction of a twin',
      twinUpgrade(2),
      { freeDiskBytes: 90 * mebibyte },
      'rehearsing',
      /its disk has 90 MiB free, and this takes 108 MiB/
    ],
    [
      'room for a second state, before an upgrade that copies it',
      classUpgrade(2, { transform: 'none', back: 'copy' }),
      { freeDiskBytes: 90 * mebibyte },
      'waiting',
      /its disk has 90 MiB free, and this takes 108 MiB/
    ],
    [
      'room for what its rehearsal took, which is not what the state takes',
      classUpgrade(2),
      { freeDiskBytes: 8.1 * mebibyte },
      'waiting',
      /its disk has 8\.1 MiB free, and this takes 8\.2 MiB/
    ],
    [
      'room for what the author knows that it takes',
      twinUpgrade(2, { needs: { diskBytes: 4096 * mebibyte } }),
      {},
      'rehearsing',
      /has 900 MiB free, and this takes 4 GiB/
    ],
    [
      'memory for one more host',
      classUpgrade(2),
      { freeMemoryBytes: 20 * mebibyte },
      'rehearsing',
      /it has 20 MiB of memory free, and this takes 64 MiB/
    ],
    [
      'the memory that the author knows that it takes',
      classUpgrade(2, { needs: { memoryMiB: 2000 } }),
      {},
      'rehearsing',
      /this takes 2 GiB/
    ],
    [
      'the platform',
      classUpgrade(2, { needs: { platforms: ['linux-arm64', 'darwin-arm64'] } }),
      {},
      'known',
      /it runs on linux-arm64, darwin-arm64, and this is linux-x64/
    ],
    [
      'the release of Node',
      classUpgrade(2, { needs: { node: '>=26' } }),
      {},
      'known',
      /it needs Node >=26, and this is 24\.0\.0/
    ]
  ] as const)('%s begins nothing, says so, and goes on by itself when it has it', (_, upgrade, lack, phase, words) => {
    let machine: Partial<MachineFacts> = { ...roomy, ...lack }
    const [simulation, peer] = peerOn(() => machine, upgrade)
    simulation.run(() => reasonOf(peer).includes('this machine cannot'))
    expect(phaseOf(peer, 2)).toBe(phase)
    expect(reasonOf(peer)).toMatch(words)
    expect(peer.said?.versions[0]?.reason).toBe(reasonOf(peer))

    // Not in a loop: it looks again, less and less often, and tries nothing meanwhile.
    const before = effects(peer)
    const until = simulation.nowMs + 600_000
    simulation.run(() => simulation.nowMs >= until, 700_000)
    expect(phaseOf(peer, 2)).toBe(phase)
    expect(effects(peer) - before).toBeLessThan(600_000 / 2000 + 10)

    machine = { ...roomy, freeDiskBytes: 9000 * mebibyte, freeMemoryBytes: 9000 * mebibyte, node: '26.1.0' }
    if (phase === 'known') machine = { ...machine, platform: 'linux-arm64' }
    simulation.run(() => peer.isSettledAt(2))
  })

  it('does not hold back what builds no second state, nor what it cannot measure', () => {
    const [simulation, peer] = peerOn(
      () => ({ ...roomy, freeDiskBytes: 50 * mebibyte }),
      classUpgrade(2, { transform: 'none' })
    )
    simulation.run(() => peer.isSettledAt(2))
    const [other, unmeasured] = peerOn(() => ({}), twinUpgrade(2))
    other.run(() => unmeasured.isSettledAt(2))
  })
})

it('fetches a bundle again that is lost before the upgrade, and begins when it is whole', () => {
  const simulation = new Simulation({ peers: 1, seed: 1 })
  const peer = simulation.peers[0]!
  peer.boot()
  const log = versions(2)
  for (const { descriptor } of log) simulation.publish(descriptor)
  simulation.run(() => phaseOf(peer, 2) === 'introduced' || phaseOf(peer, 2) === 'waiting')
  const [bundle] = [...peer.state.bundles.keys()].slice(-1)
  peer.input({ fact: 'bundleLost', bundle: bundle! })
  simulation.run(() => peer.isSettledAt(2))
})

it.each([
  ['24.1.0', '>=24', true],
  ['24.1.0', '>=24.1', true],
  ['24.1.0', '>=24.1.1', false],
  ['24.1.0', '>=25', false],
  ['25.0.0-nightly', '>=24.12', true],
  ['nonsense', '>=1', false]
])('Node %s against %s: %s', (node, needed, can) => {
  expect(canRunOn(node, needed)).toBe(can)
})
