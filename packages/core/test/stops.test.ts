import { describe, expect, it } from 'vitest'
import { gatesOf, openAdmission, routesOf, type ClassUpgrade, type Descriptor, type Phase } from '../src/index.js'
import { classUpgrade, descriptor, repair, twinUpgrade, versions } from './descriptors.js'
import { phaseOf } from './one-peer.js'
import { Simulation, type SimulatedPeer } from './simulation.js'

const halt = { fact: 'halt', version: 2, unload: false, reason: 'it loses orders' } as const
const resume = { fact: 'resume', version: 2, order: '2026-02-01T00:00:00.000Z' } as const

/** Each phase of a journey that goes well, in its order. */
const journey: readonly Phase[] = [
  'fetching',
  'rehearsing',
  'introducing',
  'probation',
  'waiting',
  'preparing',
  'draining',
  'transforming',
  'activating',
  'trial'
]

type Shape = (version: number, over?: Partial<ClassUpgrade>) => ClassUpgrade
const copies: Shape = (version, over) => classUpgrade(version, { ...(version > 1 && { back: 'copy' }), ...over })

/** Versions 1 and 2, and what else version 2 might have been. */
function histories(shape: Shape = copies): { ours: readonly Descriptor[]; theirs: Descriptor } {
  const log = versions(2, version => ({ classes: [shape(version)] }))
  const bundle = 'b'.repeat(64)
  return {
    ours: log.map(each => each.descriptor),
    theirs: descriptor(log.slice(0, 1), { title: 'another version 2', classes: [shape(2, { bundle })] })
  }
}

/** One peer in the network, whose version 2 is in this phase now. */
function peerIn(phase: Phase | undefined, shape: Shape = copies): [Simulation, SimulatedPeer] {
  const simulation = new Simulation({ peers: 1, seed: 1 })
  const peer = simulation.peers[0]!
  peer.boot()
  for (const each of histories(shape).ours) simulation.publish(each)
  simulation.run(() => phaseOf(peer, 2) === phase)
  return [simulation, peer]
}

function restart(peer: SimulatedPeer): void {
  peer.kill()
  peer.boot()
}

/** Everything that was begun has ended, and for a while nothing more begins. */
function settle(simulation: Simulation, forMs = 120_000): void {
  const until = simulation.nowMs + forMs
  simulation.run(() => simulation.nowMs >= until)
}

function runs(peer: SimulatedPeer): number[] {
  return peer.disk.journal.flatMap(entry => (entry.type === 'running' ? [entry.version] : []))
}

describe.each([
  ['a peer that goes on running', () => undefined],
  ['a peer that is started again at once', restart]
])('a halt, at %s', (_, happens: (peer: SimulatedPeer) => void) => {
  for (const [name, shape] of [['in a new process', copies] as const, ['as a twin', twinUpgrade] as const]) {
    it.each(journey)(`${name}, of a version that is %s: it goes nowhere, and after the resume all the way`, phase => {
      // A twin becomes the object between two calls.
      if (name === 'as a twin' && ['draining', 'transforming', 'activating'].includes(phase)) return
      const [simulation, peer] = peerIn(phase, shape)
      peer.trust(halt)
      happens(peer)
      settle(simulation)
      expect(peer.state.running).toBe(1)
      expect(peer.disk.meta?.current).toBe(1)
      expect(peer.state.host.status).toBe('up')
      expect(['halted', 'waiting', 'wentBack']).toContain(phaseOf(peer, 2))
      expect(peer.said?.versions.find(each => each.version === 2)?.reason).toContain('it loses orders')
      peer.trust(resume)
      happens(peer)
      simulation.run(() => peer.isSettledAt(2))
      expect(peer.served()).toEqual([2, 2])
    })
  }

  it('of a version that nobody knows yet, on stale trust, holds it from its first moment', () => {
    const simulation = new Simulation({ peers: 1, seed: 1 })
    const peer = simulation.peers[0]!
    const { ours } = histories()
    peer.boot()
    peer.input({ fact: 'freshUntil', untilMs: 0 })
    peer.trust(halt)
    happens(peer)
    for (const each of ours) simulation.publish(each)
    settle(simulation)
    expect(phaseOf(peer, 2)).toBe('halted')
    expect(peer.disk.bundles.has(ours[1]!.classes[0]!.bundle)).toBe(false)
  })

  it('of a trial acts on stale trust', () => {
    const [simulation, peer] = peerIn('trial')
    peer.input({ fact: 'freshUntil', untilMs: 0 })
    peer.trust(halt)
    happens(peer)
    simulation.run(() => phaseOf(peer, 2) === 'wentBack')
  })

  it('with `unload` takes the simulation object away, and says so to callers', () => {
    const [simulation, peer] = peerIn(undefined, (version, over) => copies(version, over))
    peer.input({ fact: 'operator', word: 'hold' })
    simulation.run(() => phaseOf(peer, 2) === 'waiting')
    peer.trust(halt)
    happens(peer)
    settle(simulation, 5000)
    expect(peer.served()).toEqual([1, 2])
    peer.trust({ ...halt, unload: true })
    expect(peer.served()).toEqual([1, 1])
    expect(routesOf(peer.state).entries[1]).toMatchObject({ state: 'halted', cause: 'it loses orders' })
    happens(peer)
    settle(simulation, 5000)
    expect(peer.state.host.plan?.future).toEqual([])
    peer.trust(resume)
    simulation.run(() => peer.served()?.[1] === 2)
  })

  it('of a committed version leaves it, and whatever it serves', () => {
    const [simulation, peer] = peerIn('committed')
    peer.trust({ ...halt, unload: true })
    happens(peer)
    settle(simulation)
    expect(peer.state.running).toBe(2)
    expect(peer.served()?.[1]).toBe(2)
    expect(phaseOf(peer, 2)).toBe('committed')
  })

  it('does not keep away what supersedes the version', () => {
    const [simulation, peer] = peerIn('waiting')
    peer.trust(halt)
    happens(peer)
    simulation.publish(repair(peer.state.log, 1))
    simulation.run(() => peer.isSettledAt(3))
    expect(runs(peer)).toEqual([3])
  })
})

it('tries a version on what runs here only when the switch to the one that it supersedes has ended', () => {
  const [simulation, peer] = peerIn('preparing')
  const triedOn: Array<number | undefined> = []
  peer.killAt = (when, effect) => {
    if (when === 'before' && effect.effect === 'rehearse' && effect.version === 3)
      triedOn.push(effect.plans[0]?.object.version)
    return false
  }
  const version3 = repair(peer.state.log, 1)
  for (const each of version3.classes) peer.disk.bundles.add(each.bundle)
  restart(peer)
  simulation.run(() => phaseOf(peer, 2) === 'preparing')
  simulation.publish(version3)
  simulation.run(() => peer.isSettledAt(3))
  expect(triedOn).toEqual([1])
})

describe('a resume', () => {
  it('has its effect once: what fails after it stays away, also when it is told again at a start', () => {
    const [simulation, peer] = peerIn('trial')
    peer.trust(halt)
    simulation.run(() => phaseOf(peer, 2) === 'wentBack')
    peer.trust(resume)
    simulation.run(() => phaseOf(peer, 2) === 'trial')
    peer.input({ fact: 'operator', word: 'goBack', version: 2 })
    simulation.run(() => phaseOf(peer, 2) === 'wentBack')
    restart(peer)
    settle(simulation)
    expect(phaseOf(peer, 2)).toBe('wentBack')
    peer.trust({ ...resume, order: '2026-03-01T00:00:00.000Z' })
    simulation.run(() => peer.isSettledAt(2))
  })

  it('opens the health gate that failures of others have closed, and new failures close it again (§1)', () => {
    const [simulation, peer] = peerIn('waiting')
    peer.input({ fact: 'operator', word: 'hold' })
    let seq = 0
    const fail = (name: string, phase: Phase = 'wentBack'): void => {
      const [running, second] = peer.state.log.map(({ version, chainId }) => ({
        version,
        chainId: chainId.slice(0, 16)
      }))
      const announcement = {
        ...peer.said!,
        ...{ peer: `12D3KooW${name.padEnd(36, 'x')}`, running: running!, versions: [{ ...second!, phase }] },
        ...{ floor: 1, epoch: 1, seq: ++seq }
      }
      peer.input({ fact: 'announcement', announcement, ageMs: 0, admission: openAdmission })
    }
    const isOpen = (): boolean => {
      const now = { wallMs: simulation.wallMs(), monoMs: simulation.nowMs }
      return gatesOf(peer.state, peer.state.versions.get(2)!, now).find(each => each.name === 'health')!.state.open
    }
    for (const name of ['first', 'second']) fail(name)
    expect(isOpen()).toBe(false)
    settle(simulation, 1000)
    peer.trust(resume)
    expect(isOpen()).toBe(true)
    settle(simulation, 1000)
    // Said again is not failed again.
    fail('first')
    expect(isOpen()).toBe(true)
    fail('first', 'trial')
    fail('second', 'trial')
    for (const name of ['first', 'second']) fail(name)
    expect(isOpen()).toBe(false)
    settle(simulation, 1000)
    peer.input({ fact: 'operator', word: 'resume', version: 2 })
    expect(isOpen()).toBe(true)
    restart(peer)
    expect(peer.state.heeded.get(2)).toMatchObject({ order: resume.order })
  })
})

describe('a superseding version', () => {
  it.each(journey)('that comes when the one before is %s leaves nothing between two versions', phase => {
    const [simulation, peer] = peerIn(phase)
    peer.learn(repair(peer.state.log, 1), 0)
    simulation.run(() => peer.isSettledAt(3))
    expect(peer.disk.meta?.current).toBe(3)
    expect(runs(peer)).toEqual(phase === 'trial' ? [2, 3] : phase === 'activating' ? [2, 3] : [3])
  })
})
