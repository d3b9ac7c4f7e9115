import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { floorOf, needsBelow, openAdmission, type Admission, type Announcement, type PeerState } from '../src/index.js'
import { classUpgrade, network, versions } from './descriptors.js'
import { onePeer } from './one-peer.js'
import { Simulation, type SimulatedPeer } from './simulation.js'

const hour = 3_600_000
const day = 24 * hour

function quietFor(quietMs: number): [Simulation, SimulatedPeer] {
  const [simulation, peer] = onePeer(2, () => ({ retirement: { quietMs } }))
  simulation.run(() => peer.state.running === 2 && peer.state.versions.get(2)?.phase === 'committed')
  return [simulation, peer]
}

function pass(simulation: Simulation, ms: number): void {
  const untilMs = simulation.nowMs + ms
  simulation.run(() => simulation.nowMs >= untilMs, ms + hour)
}

function restart(simulation: Simulation, peer: SimulatedPeer, downMs: number): void {
  peer.kill()
  simulation.rebootLater(peer, downMs)
  simulation.run(() => peer.isUp, downMs + hour)
}

const quietEntries = (peer: SimulatedPeer): number => peer.disk.journal.filter(each => each.type === 'quiet').length

describe('the quiet time of a version (§14)', () => {
  it('goes on after restarts, which cost an hour of it at most', () => {
    const [simulation, peer] = quietFor(day)
    const from = simulation.nowMs
    for (let i = 0; i < 5; i++) {
      pass(simulation, 4 * hour)
      restart(simulation, peer, 1000)
    }
    expect(peer.state.lowest).toBe(1)
    simulation.run(() => peer.isSettledAt(2), 2 * day)
    expect(simulation.nowMs - from).toBeGreaterThan(day - hour)
    expect(simulation.nowMs - from).toBeLessThan(day + 6 * hour)
  })

  it('does not count while the peer is down', () => {
    const [simulation, peer] = quietFor(day)
    pass(simulation, 2 * hour)
    restart(simulation, peer, 30 * day)
    pass(simulation, 20 * hour)
    expect(peer.state.lowest).toBe(1)
    simulation.run(() => peer.isSettledAt(2), 2 * day)
  })

  it('begins anew with a call, also where only the journal knew of it', () => {
    const [simulation, peer] = quietFor(day)
    pass(simulation, 23 * hour)
    peer.input({ fact: 'used', version: 1 })
    restart(simulation, peer, 1000)
    pass(simulation, 20 * hour)
    expect(peer.state.lowest).toBe(1)
    expect(needsBelow(peer.state, peer.now)).toMatchObject([{ version: 1, reason: /it was called at 2026/ }])
  })

  it('is not made longer by a clock that jumps', () => {
    const [, peer] = quietFor(day)
    const now = { wallMs: peer.now.wallMs + 400 * day, monoMs: peer.now.monoMs }
    expect(needsBelow(peer.state, now)[0]?.quietLeftMs).toBeGreaterThan(23 * hour)
  })

  it('costs two records an hour at most, however often the version is called', () => {
    const [simulation, peer] = quietFor(30 * day)
    const before = quietEntries(peer)
    for (let i = 0; i < 200; i++) {
      peer.input({ fact: 'used', version: 1 })
      pass(simulation, i % 7 === 0 ? 61 * 60_000 : 60_000)
    }
    const hours = (200 * 60_000 + 29 * hour) / hour
    expect(quietEntries(peer) - before).toBeGreaterThan(10)
    expect(quietEntries(peer) - before).toBeLessThan(2 * hours)
  })
})

/** What another peer says; only its floor matters here. */
function statement(floor: number, log: ReturnType<typeof versions>): Announcement {
  const running = { version: floor, chainId: log[floor - 1]!.chainId.slice(0, 16) }
  const peer = `12D3Koo${'T'.repeat(40)}`
  return {
    format: 1,
    network,
    peer,
    epoch: 1,
    seq: floor,
    class: `Counter${floor}`,
    groups: [],
    running,
    floor,
    served: [floor, floor],
    versions: [],
    newest: floor,
    instar: '0.0.0'
  }
}

describe('a peer', () => {
  it('never retires a version at or above its own floor, whatever happens', () => {
    const events = fc.array(
      fc.oneof(
        fc.constant({ do: 'wait' as const }),
        fc.constant({ do: 'restart' as const }),
        fc.record({ do: fc.constant('use' as const), version: fc.integer({ min: 1, max: 4 }) }),
        fc.record({ do: fc.constant('halt' as const), version: fc.integer({ min: 2, max: 4 }) }),
        fc.record({ do: fc.constant('resume' as const), version: fc.integer({ min: 2, max: 4 }) })
      ),
      { maxLength: 12 }
    )
    fc.assert(
      fc.property(events, fc.boolean(), (all, isDated) => {
        const notAfter = isDated ? { notAfter: '2020-01-01T00:00:00.000Z' } : {}
        const [simulation, peer] = onePeer(4, version => ({
          ...(version > 1 && { back: 'copy' as const }),
          retirement: { quietMs: 0, ...notAfter }
        }))
        const isKept = (state: PeerState): boolean => state.lineage === undefined || state.lowest <= floorOf(state)
        for (const event of all) {
          if (event.do === 'restart') restart(simulation, peer, 100)
          if (event.do === 'use') peer.input({ fact: 'used', version: event.version })
          if (event.do === 'halt')
            peer.trust({ fact: 'halt', version: event.version, unload: false, reason: 'it loses orders' })
          if (event.do === 'resume')
            peer.trust({ fact: 'resume', version: event.version, order: `${simulation.nowMs}` })
          const untilMs = simulation.nowMs + 700
          simulation.run(() => {
            expect(isKept(peer.state)).toBe(true)
            return simulation.nowMs >= untilMs
          }, 60_000)
        }
      }),
      { numRuns: 25 }
    )
  })

  it.each([
    ['its certificate ends', 9 * day],
    ['it counts as departed', undefined]
  ] as const)('holds a version for an admitted peer that is silent, until %s', (_, certificateMs) => {
    const simulation = new Simulation({ peers: 1, seed: 1, timing: { lookEveryMs: hour, departedAfterMs: 12 * day } })
    const peer = simulation.peers[0]!
    peer.boot()
    const fromMs = simulation.wallMs()
    const admission: Admission =
      certificateMs === undefined
        ? openAdmission
        : { by: 'certificate', fromMs, untilMs: fromMs + certificateMs, class: 'Counter1', groups: [], serial: 's' }
    const log = versions(2, version => ({ classes: [classUpgrade(version, { retirement: { quietMs: 0 } })] }))
    for (const { descriptor } of log) simulation.publish(descriptor)
    peer.input({ fact: 'announcement', announcement: statement(1, log), ageMs: 0, admission })
    simulation.run(() => peer.state.versions.get(2)?.phase === 'committed', 5 * hour)
    const untilMs = certificateMs ?? 12 * day
    pass(simulation, untilMs - 2 * hour)
    expect(peer.state.lowest).toBe(1)
    const [need] = needsBelow(peer.state, peer.now)
    expect(need).toMatchObject({ version: 1, peers: [{ floor: 1, countsUntilMs: fromMs + untilMs }] })
    simulation.run(() => peer.isSettledAt(2), 4 * hour)
  })
})
