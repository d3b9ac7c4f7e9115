import { describe, expect, it } from 'vitest'
import {
  effectivePolicy,
  gatesOf,
  overdueVersions,
  type ClassUpgrade,
  type LocalPolicy,
  type PolicyField,
  type PolicyOverrides
} from '../src/index.js'
import { classUpgrade, versions } from './descriptors.js'
import { phaseOf } from './one-peer.js'
import { Simulation, type SimulatedPeer } from './simulation.js'

const minuteMs = 60_000
/** The simulation begins on a Thursday at midnight. */
const later = [{ days: ['thu'], from: '00:30', to: '00:40', zone: 'UTC' }] satisfies LocalPolicy['windows']
const now = [{ days: ['thu'], from: '00:00', to: '00:10', zone: 'UTC' }] satisfies LocalPolicy['windows']

interface Given {
  readonly policy?: Partial<LocalPolicy>
  readonly compact?: boolean
  readonly deadline?: string
  readonly over?: Partial<ClassUpgrade>
}

/** One peer, and a version 2 whose schedule waits for an approval. */
function onePeer({ policy = {}, compact = false, deadline = '2100-01-01T00:00:00.000Z', over = {} }: Given = {}): [
  Simulation,
  SimulatedPeer
] {
  const simulation = new Simulation({ peers: 1, seed: 1, policy, compact, asksOperators: true })
  const peer = simulation.peers[0]!
  peer.boot()
  const schedule: ClassUpgrade['schedule'] = { strategy: { type: 'manual' }, deadline, deadlineSpreadMs: 0 }
  for (const { descriptor } of versions(2, version => ({ classes: [classUpgrade(version, { schedule, ...over })] })))
    simulation.publish(descriptor)
  simulation.run(() => phaseOf(peer, 2) === 'waiting' || peer.state.running === 2)
  return [simulation, peer]
}

const passed = '2000-01-01T00:00:00.000Z'

function wait(simulation: Simulation, forMs: number): void {
  const until = simulation.nowMs + forMs
  simulation.run(() => simulation.nowMs >= until, 2 * forMs)
}

function say(peer: SimulatedPeer, set: PolicyOverrides, unset: readonly PolicyField[] = []): void {
  peer.input({ fact: 'policy', set, unset })
}

/** Twice: what the first start has left out of its journal, the second does not know. */
function restart(peer: SimulatedPeer): void {
  for (let times = 0; times < 2; times++) {
    peer.kill()
    peer.boot()
  }
}

function reasonAt(peer: SimulatedPeer): string {
  const gates = gatesOf(peer.state, peer.state.versions.get(2)!, peer.now)
  const closed = gates.flatMap(({ state }) => (state.open ? [] : [state]))
  return closed.length === 0 ? 'open' : `${closed[0]?.gate}: ${closed[0]?.reason}`
}

describe('what the operator does not allow', () => {
  it.each([
    ['a hold', { hold: true }, /operator of this peer holds it/],
    ['a highest version', { highestVersion: 1 }, /allows no version above 1/],
    ['a closed window', { windows: later }, /no maintenance window .* next opens at \d{4}-\d\d-\d\dT00:30:00/]
  ])('%s keeps a peer where it is, past its deadline too, and says so loudly', (_, policy, reason) => {
    for (const deadline of [passed, undefined]) {
      const [simulation, peer] = onePeer({ policy, ...(deadline && { deadline }) })
      wait(simulation, 10 * minuteMs)
      expect(phaseOf(peer, 2)).toBe('waiting')
      expect(reasonAt(peer)).toMatch(reason)
      expect(peer.said?.versions.find(each => each.version === 2)?.reason).toMatch(reason)
      expect(overdueVersions(peer.state, peer.now)).toEqual(
        deadline === undefined
          ? []
          : [{ version: 2, sinceMs: Date.parse(passed), reason: expect.stringMatching(reason) as string }]
      )
    }
  })

  it('is a time, where it is a window: when that comes, the peer goes', () => {
    const [simulation, peer] = onePeer({ policy: { windows: later }, deadline: passed })
    simulation.run(() => peer.state.running === 2, 60 * minuteMs)
    expect(simulation.nowMs).toBeGreaterThanOrEqual(30 * minuteMs)
    expect(simulation.nowMs).toBeLessThan(31 * minuteMs)
  })

  it.each([
    ['a window', { windows: later }, 2],
    ['a hold', { hold: true }, 1],
    ['a highest version', { highestVersion: 1 }, 1]
  ])('and `go now` against %s', (_, policy, runs) => {
    const [simulation, peer] = onePeer({ policy })
    peer.input({ fact: 'operator', word: 'goNow', version: 2 })
    wait(simulation, 10 * minuteMs)
    expect(peer.state.running).toBe(runs)
  })

  it('ends nothing that is under way: an upgrade whose window closes is finished, and goes back in no window', () => {
    const [simulation, peer] = onePeer({ policy: { windows: now }, over: { back: 'copy', stableMs: 3_600_000 } })
    peer.input({ fact: 'operator', word: 'approve', version: 2 })
    simulation.run(() => phaseOf(peer, 2) === 'draining')
    say(peer, { windows: later })
    simulation.run(() => phaseOf(peer, 2) === 'trial')
    peer.trust({ fact: 'halt', version: 2, unload: false, reason: 'it loses orders' })
    simulation.run(() => phaseOf(peer, 2) === 'wentBack', minuteMs)
  })
})

describe('what the operator allows for every version', () => {
  it('is asked about again in its time though the clock was set back a day', () => {
    const [simulation, peer] = onePeer()
    simulation.run(() => peer.state.versions.get(2)?.schedule !== undefined)
    const asked = peer.state.versions.get(2)!.schedule!
    simulation.wallJumpMs = -86_400_000
    wait(simulation, 3_700_000)
    const again = peer.state.versions.get(2)!.schedule!
    expect(again.lookAgainAtMs).toBeLessThan(asked.lookAgainAtMs)
    expect(again.lookAgainMonoMs).toBeGreaterThan(asked.lookAgainMonoMs)
  })

  it('is the approval that a schedule waits for', () => {
    const [simulation, peer] = onePeer({ policy: { approve: true } })
    simulation.run(() => peer.state.running === 2)
    const [unsaid, waiting] = onePeer()
    wait(unsaid, minuteMs)
    expect(reasonAt(waiting)).toBe('schedule: it is not approved')
  })

  it('is going without a schedule, in a window only', () => {
    const [simulation, peer] = onePeer({ policy: { goNow: true, windows: later } })
    wait(simulation, 10 * minuteMs)
    expect(peer.state.running).toBe(1)
    simulation.run(() => peer.state.running === 2, 60 * minuteMs)
  })
})

describe('what is said at run time', () => {
  it.each([false, true])('wins over the file until it is taken back, across restarts (compacted: %s)', compact => {
    const [simulation, peer] = onePeer({ policy: { highestVersion: 1, approve: true, parkAfterCrashes: 9 }, compact })
    say(peer, { highestVersion: null, windows: later })
    restart(peer)
    expect(effectivePolicy(peer.state)).toEqual({
      ...peer.config().policy,
      highestVersion: undefined,
      windows: later
    })
    say(peer, { hold: true }, ['windows'])
    restart(peer)
    expect(peer.state.policy).toEqual({ highestVersion: null, hold: true })
    say(peer, {}, ['highestVersion'])
    restart(peer)
    wait(simulation, minuteMs)
    expect(reasonAt(peer)).toMatch('holds it')
    peer.input({ fact: 'operator', word: 'resume' })
    restart(peer)
    wait(simulation, minuteMs)
    expect(reasonAt(peer)).toMatch('allows no version above 1')
    say(peer, { highestVersion: 2 })
    restart(peer)
    simulation.run(() => peer.state.running === 2)
  })

  it('takes a hold of the file back too', () => {
    const [simulation, peer] = onePeer({ policy: { hold: true, approve: true } })
    peer.input({ fact: 'operator', word: 'resume' })
    restart(peer)
    simulation.run(() => peer.state.running === 2)
  })
})
