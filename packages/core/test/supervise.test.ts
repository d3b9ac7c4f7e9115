import { describe, expect, it } from 'vitest'
import { crashLoopOf, effectivePolicy, routesOf, type HostPlan } from '../src/index.js'
import { classUpgrade, repair, versions } from './descriptors.js'
import { phaseOf } from './one-peer.js'
import { Simulation, type SimulatedPeer } from './simulation.js'

const cause = 'it was ended by SIGSEGV'

function onePeer(parkAfterCrashes?: number, compact = false): [Simulation, SimulatedPeer] {
  const policy = { hold: true, ...(parkAfterCrashes !== undefined && { parkAfterCrashes }) }
  const simulation = new Simulation({ peers: 1, seed: 1, compact, policy })
  const peer = simulation.peers[0]!
  peer.boot()
  for (const { descriptor } of versions(2, version => ({
    classes: [classUpgrade(version, { back: version === 1 ? 'none' : 'copy', stableMs: 600_000 })]
  })))
    simulation.publish(descriptor)
  simulation.run(() => phaseOf(peer, 2) === 'waiting')
  return [simulation, peer]
}

function crash(simulation: Simulation, peer: SimulatedPeer, suspect?: number): void {
  simulation.run(() => peer.state.host.status === 'up' && peer.state.host.switching === undefined)
  const plan = peer.state.host.plan!.plan
  peer.input({ fact: 'hostExited', plan, cause, ...(suspect !== undefined && { suspect }) })
}

function waitFor(simulation: Simulation, forMs: number): void {
  const until = simulation.nowMs + forMs
  simulation.run(() => simulation.nowMs >= until)
}

function restart(peer: SimulatedPeer): void {
  peer.kill()
  peer.boot()
}

const loopOf = (peer: SimulatedPeer) => crashLoopOf(peer.state, peer.now.monoMs)

describe('a host that cannot write any more', () => {
  const serves = (peer: SimulatedPeer) => peer.state.host.status === 'up' && peer.state.host.switching === undefined

  it('is replaced by another of the same plan when one could write, and nothing is held against anybody', () => {
    const [simulation, peer] = onePeer(1)
    simulation.run(() => serves(peer))
    const { plan } = peer.state.host
    peer.input({ fact: 'hostSpent', plan: plan!.plan })
    expect(peer.state.host.switching?.purpose).toBe('renew')
    simulation.run(() => serves(peer))
    const { host } = peer.state
    expect(host.plan).toEqual({ ...plan, plan: plan!.plan + 1 })
    expect([host.crashes, host.failures, host.committedCrashes, host.isSpent]).toEqual([0, 0, 0, false])
    expect(phaseOf(peer, 2)).toBe('waiting')
    // Of a process that is gone already.
    peer.input({ fact: 'hostSpent', plan: plan!.plan })
    expect(serves(peer)).toBe(true)
  })
})

describe('a host that crashes in a committed version', () => {
  it('is started again and again, later each time, and others are told of the loop until it has run well', () => {
    const [simulation, peer] = onePeer()
    const downMs = Array.from({ length: 5 }, () => {
      crash(simulation, peer, 1)
      const sinceMs = simulation.nowMs
      simulation.run(() => peer.state.host.status === 'up')
      return simulation.nowMs - sinceMs
    })
    expect(downMs[4]).toBeGreaterThan(downMs[1]!)
    expect(loopOf(peer)).toEqual({ crashes: 5, cause, isParked: false })
    expect(peer.said?.versions[0]).toMatchObject({
      version: 1,
      phase: 'committed',
      reason: `its host crashes again and again: ${cause}`
    })
    waitFor(simulation, 60_000)
    expect(loopOf(peer)).toBeUndefined()
    expect(peer.said?.versions.map(each => each.version)).toEqual([2])
  })

  it.each([false, true])(
    'is parked where the policy says so, across restarts, until the operator speaks (compacted: %s)',
    compact => {
      const [simulation, peer] = onePeer(3, compact)
      for (let times = 0; times < 3; times++) crash(simulation, peer, 1)
      for (const happens of [() => undefined, () => restart(peer)]) {
        happens()
        waitFor(simulation, 60_000)
        expect(peer.state.host.status).toBe('down')
        expect(loopOf(peer)).toEqual({ crashes: 3, cause, isParked: true })
        expect(peer.served()).toBeUndefined()
        expect(routesOf(peer.state).entries[0]).toMatchObject({ version: 1, state: 'parked', cause })
        expect(peer.said?.versions[0]?.reason).toBe(`its host is parked after 3 crashes in a row: ${cause}`)
      }
      peer.input({ fact: 'unpark' })
      simulation.run(() => peer.state.host.status === 'up')
      expect(peer.served()?.[0]).toBe(1)
      // With all its patience back.
      crash(simulation, peer, 1)
      simulation.run(() => peer.state.host.status === 'up')
      peer.kill()
      peer.boot()
      simulation.run(() => peer.state.host.status === 'up')
    }
  )

  it('is not parked for what a simulation object did, or may have done (P2)', () => {
    const [simulation, peer] = onePeer(3)
    crash(simulation, peer, 2)
    expect(phaseOf(peer, 2)).toBe('introduceFailed')
    peer.input({ fact: 'operator', word: 'resume', version: 2 })
    simulation.run(() => phaseOf(peer, 2) === 'waiting')
    waitFor(simulation, 60_000)
    for (let times = 0; times < 4; times++) crash(simulation, peer)
    // The first two were the newest code's, as far as anybody knew.
    expect(peer.state.host.parked).toBeUndefined()
    crash(simulation, peer)
    expect(peer.state.host.parked).toBeDefined()
  })

  it('is not parked on trial', () => {
    const [simulation, peer] = onePeer(3)
    expect(effectivePolicy(peer.state).parkAfterCrashes).toBe(3)
    peer.input({ fact: 'operator', word: 'resume' })
    simulation.run(() => phaseOf(peer, 2) === 'trial')
    for (let times = 0; times < 6; times++) crash(simulation, peer)
    expect(peer.state.host.parked).toBeUndefined()
  })
})

describe('the repair of a version that does not stay up', () => {
  /** Two peers whose hosts do not come up any more with version 2, which both have committed. */
  function brokenAt2(parkAfterCrashes: number | undefined, isRepairBad: (plan: HostPlan) => boolean = () => false) {
    let isBroken = false
    const simulation = new Simulation({
      peers: 2,
      seed: 3,
      ...(parkAfterCrashes !== undefined && { policy: { parkAfterCrashes } }),
      faults: {
        switch: plan =>
          (isBroken && plan.object.version === 2) || isRepairBad(plan)
            ? { cause, stage: 'opened', restored: false }
            : undefined
      }
    })
    const { peers } = simulation
    const log = versions(2)
    for (const peer of peers) peer.boot()
    for (const { descriptor } of log) simulation.publish(descriptor)
    simulation.run(() => peers.every(peer => peer.isCommittedAt(2)))
    isBroken = true
    for (const peer of peers)
      peer.input({ fact: 'hostExited', plan: peer.state.host.plan!.plan, cause, suspect: 2, crash: {} })
    simulation.run(() => peers.every(peer => loopOf(peer) !== undefined))
    for (const peer of peers) expect(loopOf(peer)?.isParked).toBe(parkAfterCrashes !== undefined)
    return { simulation, peers, log }
  }

  it.each([undefined, 3])('is taken by peers of which none serves (parked after: %s)', parkAfterCrashes => {
    const { simulation, peers, log } = brokenAt2(parkAfterCrashes)
    simulation.publish(repair(log, 1))
    simulation.run(() => peers.every(peer => peer.isCommittedAt(3)))
    for (const peer of peers) {
      expect(loopOf(peer)).toBeUndefined()
      restart(peer)
    }
    simulation.run(() => peers.every(peer => peer.isCommittedAt(3)))
  })

  it.each([undefined, 3])('is tried again, and nothing else is blamed (parked after: %s)', parkAfterCrashes => {
    let tries = 0
    const isBad = (plan: HostPlan): boolean => plan.object.version === 3 && ++tries <= 2
    const { simulation, peers, log } = brokenAt2(parkAfterCrashes, isBad)
    const [first, second] = peers as [SimulatedPeer, SimulatedPeer]
    const journaled = (): string[] => first.disk.journal.map(each => each.type)
    second.kill()
    simulation.publish(repair(log, 1))
    simulation.run(() => tries === 1 && first.state.host.switching === undefined)
    expect(phaseOf(first, 3)).toBe('waiting')
    expect(journaled()).not.toContain('unparked')
    restart(first)
    simulation.run(() => first.isCommittedAt(3))
    expect(tries).toBe(3)
    expect(journaled().includes('unparked')).toBe(parkAfterCrashes !== undefined)
  })
})
