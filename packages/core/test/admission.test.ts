import { describe, expect, it } from 'vitest'
import {
  admittedPeers,
  chainIdPrefix,
  gatesOf,
  openAdmission,
  strangeness,
  strangersMax,
  type Admission,
  type Announcement
} from '../src/index.js'
import { classUpgrade, network, versions } from './descriptors.js'
import { onePeer, phaseOf } from './one-peer.js'
import { Simulation, type SimulatedPeer } from './simulation.js'

const day = 86_400_000
const stranger: Admission = { by: 'nothing', code: 'NotAdmitted', reason: 'it shows no certificate' }

function certificate(peer: SimulatedPeer, over: Partial<Extract<Admission, { by: 'certificate' }>> = {}): Admission {
  const nowMs = peer.simulation.wallMs()
  return {
    by: 'certificate',
    fromMs: nowMs - 1000,
    untilMs: nowMs + 30 * day,
    class: 'Counter1',
    groups: [],
    serial: '0'.repeat(32),
    ...over
  }
}

/** Another peer says that it runs version 1 and that version 2 failed it. */
function troubled(peer: SimulatedPeer, name: string, over: Partial<Announcement> = {}): Announcement {
  const chainId = chainIdPrefix(peer.state.log, 1)!
  return {
    format: 1,
    network,
    peer: `12D3KooW${name.padEnd(36, 'x')}`,
    class: 'Counter1',
    groups: ['north', 'south'],
    epoch: 1,
    seq: 1,
    running: { version: 1, chainId },
    floor: 1,
    served: [1, 1],
    versions: [{ version: 2, chainId: chainIdPrefix(peer.state.log, 2)!, phase: 'failed' }],
    newest: 2,
    instar: '0.0.0',
    ...over
  }
}

/** One that knows version 2 and is held at version 1. */
function heldPeer(): [Simulation, SimulatedPeer] {
  const [simulation, peer] = onePeer(2, undefined, true)
  simulation.run(() => phaseOf(peer, 2) === 'waiting')
  return [simulation, peer]
}

function hear(peer: SimulatedPeer, announcement: Announcement, admission: Admission, ageMs = 0): void {
  peer.input({ fact: 'announcement', announcement, ageMs, admission })
}

function gate(peer: SimulatedPeer, name: string): boolean {
  const now = { wallMs: peer.simulation.wallMs(), monoMs: peer.simulation.nowMs }
  return gatesOf(peer.state, peer.state.versions.get(2)!, now).find(each => each.name === name)!.state.open
}

const counted = (peer: SimulatedPeer, laterMs = 0): number =>
  admittedPeers(peer.state, {
    wallMs: peer.simulation.wallMs() + laterMs,
    monoMs: peer.simulation.nowMs + laterMs
  }).length

describe('a stranger (R21)', () => {
  it('closes nobody’s health gate, however many of its kind report that a version failed them', () => {
    const [, peer] = heldPeer()
    for (let i = 0; i < 50; i++) hear(peer, troubled(peer, `liar${i + 1}`), stranger)
    expect(gate(peer, 'health')).toBe(true)
    for (let i = 0; i < 2; i++) hear(peer, troubled(peer, `peer${i + 1}`), certificate(peer))
    expect(gate(peer, 'health')).toBe(false)
  })

  it('holds back no upgrade and no retirement by saying that it serves nothing newer', () => {
    const [simulation, peer] = onePeer(2)
    hear(peer, troubled(peer, 'liar', { versions: [], floor: 1 }), stranger)
    simulation.run(() => phaseOf(peer, 1) === 'retired')
    expect(peer.state.running).toBe(2)
  })

  it('holds both back while it is admitted, heard or not, until its certificate ends (§14)', () => {
    const [simulation, peer] = onePeer(2)
    simulation.run(() => peer.state.log.length === 2)
    const statement = troubled(peer, 'admitted', { versions: [], served: [1, 2] })
    hear(peer, statement, certificate(peer, { untilMs: simulation.wallMs() + 600_000 }))
    simulation.run(() => phaseOf(peer, 2) === 'committed')
    simulation.run(() => simulation.nowMs > 500_000)
    expect(phaseOf(peer, 1)).not.toBe('retired')
    simulation.run(() => phaseOf(peer, 1) === 'retired')
    expect(simulation.nowMs).toBeGreaterThanOrEqual(600_000)
  })

  it('asks no schedule to be evaluated again, however often it speaks', () => {
    const [, peer] = heldPeer()
    const before = peer.state.rosterRevision
    for (let seq = 1; seq < 20; seq++)
      hear(
        peer,
        troubled(peer, 'liar', { seq, floor: 1 + (seq % 2), running: { version: 2, chainId: 'a'.repeat(16) } }),
        stranger
      )
    expect(peer.state.rosterRevision).toBe(before)
  })

  it('crowds out no admitted peer', () => {
    const [, peer] = heldPeer()
    hear(peer, troubled(peer, 'admitted'), certificate(peer))
    for (let i = 0; i < strangersMax + 100; i++) hear(peer, troubled(peer, `flood${i}z`), stranger)
    expect(peer.state.roster.size).toBeLessThanOrEqual(strangersMax + 1)
    expect(counted(peer)).toBe(1)
  })
})

describe('an admission (R21)', () => {
  it('begins and ends by the wall clock: a future-dated certificate does not count yet, an expired one no more', () => {
    const [, peer] = heldPeer()
    const nowMs = peer.simulation.wallMs()
    hear(peer, troubled(peer, 'early'), certificate(peer, { fromMs: nowMs + day }))
    expect([0, day - 1, day, 30 * day - 1, 30 * day].map(laterMs => counted(peer, laterMs))).toEqual([0, 0, 1, 1, 0])
  })

  it('that ends asks the schedules again', () => {
    const [simulation, peer] = heldPeer()
    hear(peer, troubled(peer, 'peer', { versions: [] }), certificate(peer, { untilMs: simulation.wallMs() + 60_000 }))
    const before = peer.state.rosterRevision
    simulation.run(() => simulation.nowMs > 61_000)
    expect(peer.state.rosterRevision).toBe(before + 1)
  })

  it('is judged again when the admission role says something new: revoked peers count no more', () => {
    const [, peer] = heldPeer()
    const statements = [troubled(peer, 'good'), troubled(peer, 'bad')]
    for (const each of statements) hear(peer, each, certificate(peer))
    expect([counted(peer), gate(peer, 'health')]).toEqual([2, false])
    const revoked: Admission = { by: 'nothing', code: 'CertificateRevoked', reason: 'its certificate was revoked' }
    peer.input({ fact: 'admissions', admissions: new Map([[statements[1]!.peer, revoked]]) })
    expect([counted(peer), gate(peer, 'health')]).toEqual([1, true])
  })

  it('of one class does not let a peer speak as another', () => {
    const simulation = new Simulation({ peers: 1, seed: 1 })
    const peer = simulation.peers[0]!
    peer.boot()
    const classes = [classUpgrade(1), classUpgrade(1, { newClass: 'Other1' })]
    for (const { descriptor } of versions(1, () => ({ classes }))) simulation.publish(descriptor)
    simulation.run(() => peer.state.running === 1)
    hear(peer, troubled(peer, 'peer', { versions: [] }), certificate(peer, { class: 'Other1' }))
    expect(counted(peer)).toBe(0)
  })

  it('of a class follows it through its new names, known here or not', () => {
    const [, peer] = heldPeer()
    const renamed = troubled(peer, 'renamed', { class: 'Counter2', running: { version: 2, chainId: 'a'.repeat(16) } })
    hear(peer, renamed, certificate(peer, { class: 'Counter1' }))
    expect(counted(peer)).toBe(1)
    hear(peer, troubled(peer, 'unknown'), certificate(peer, { class: 'NotThereYet' }))
    expect(counted(peer)).toBe(2)
  })

  it('says in words why a peer does not count', () => {
    const [, peer] = heldPeer()
    const statement = troubled(peer, 'peer')
    const words = (admission: Admission) =>
      strangeness(
        peer.state,
        { troubleMonoMs: new Map(), announcement: statement, heardMonoMs: 0, admission },
        { wallMs: Date.parse('2030-01-01T00:00:00Z'), monoMs: 0 }
      )
    expect(words(openAdmission)).toBeUndefined()
    expect(words(stranger)).toBe('it shows no certificate')
    const at = Date.parse('2030-01-01T00:00:00Z')
    expect(words(certificate(peer, { fromMs: 0, untilMs: at }))).toBe(
      'its certificate ended at 2030-01-01T00:00:00.000Z'
    )
    expect(words(certificate(peer, { fromMs: at + 1000, untilMs: at + day }))).toBe(
      'its certificate counts only from 2030-01-01T00:00:01.000Z'
    )
  })
})

describe('a departed peer', () => {
  it('that is fed back with its old statement, of version 1 or 0, enters no decision (R21)', () => {
    const [simulation, peer] = onePeer(2)
    const { departedAfterMs } = peer.config().timing
    hear(peer, troubled(peer, 'departed', { versions: [] }), openAdmission, departedAfterMs + 1)
    hear(
      peer,
      troubled(peer, 'zero', { versions: [], floor: 0, running: { version: 0, chainId: '' } }),
      openAdmission,
      departedAfterMs + 1
    )
    expect(counted(peer)).toBe(0)
    simulation.run(() => phaseOf(peer, 1) === 'retired')
  })
})
