import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { propertyRuns } from '../../../test/property-budget.js'
import {
  appendVersion,
  blockOf,
  chainIdPrefix,
  divergedAt,
  openAdmission,
  peersAt,
  routesOf,
  type Announcement,
  type ClassUpgrade,
  type Descriptor,
  type Fact,
  type Phase,
  type VersionLog
} from '../src/index.js'
import { classUpgrade, descriptor, twinUpgrade, versions } from './descriptors.js'
import { phaseOf } from './one-peer.js'
import { Simulation, type SimulatedPeer } from './simulation.js'

type Shape = (version: number) => ClassUpgrade
const copies: Shape = version =>
  classUpgrade(version, { ...(version > 1 && { back: 'copy' }), retirement: { quietMs: 10_000_000 } })
const oneWay: Shape = version => classUpgrade(version, { retirement: { quietMs: 10_000_000 } })

const before: readonly Phase[] = ['fetching', 'rehearsing', 'introducing', 'probation', 'waiting', 'preparing']
const underWay: readonly Phase[] = ['draining', 'transforming', 'activating']

/** Versions 1 and 2 of the authors, and another version 2 that they signed as well. */
function twoHistories(shape: Shape = copies): { ours: VersionLog; theirs: VersionLog } {
  const ours = versions(2, version => ({ classes: [shape(version)] }))
  const bundle = 'b'.repeat(64)
  const other = descriptor(ours.slice(0, 1), { title: 'the other one', classes: [{ ...shape(2), bundle }] })
  return { ours, theirs: appendVersion(ours.slice(0, 1), other) }
}

const second = ({ ours, theirs }: { ours: VersionLog; theirs: VersionLog }, whose: 'ours' | 'theirs'): Descriptor =>
  (whose === 'ours' ? ours : theirs)[1]!.descriptor

/** One peer that follows our version 2, which is in this phase now. */
function peerIn(phase: Phase, shape: Shape = copies): [Simulation, SimulatedPeer, ReturnType<typeof twoHistories>] {
  const simulation = new Simulation({ peers: 1, seed: 1 })
  const peer = simulation.peers[0]!
  const histories = twoHistories(shape)
  peer.boot()
  for (const each of histories.ours) simulation.publish(each.descriptor)
  simulation.run(() => phaseOf(peer, 2) === phase)
  return [simulation, peer, histories]
}

function restart(peer: SimulatedPeer): void {
  peer.kill()
  peer.boot()
}

function settle(simulation: Simulation, forMs = 120_000): void {
  const until = simulation.nowMs + forMs
  simulation.run(() => simulation.nowMs >= until)
}

describe.each([
  ['a peer that goes on running', () => undefined],
  ['a peer that is started again at once', restart]
])('a fork, at %s', (_, happens: (peer: SimulatedPeer) => void) => {
  it.each([...before, ...underWay])(
    'of a version that is %s stops before it, and ends by the decision for it',
    phase => {
      const [simulation, peer, histories] = peerIn(phase)
      peer.trust({ fact: 'forked', version: 2 })
      happens(peer)
      settle(simulation)
      // Too late to be stopped: it runs where it runs, and is not committed (R20).
      const went = phase === 'activating'
      expect(phaseOf(peer, 2)).toBe(went ? 'trial' : 'frozen')
      expect(peer.state.running).toBe(went ? 2 : 1)
      expect(peer.served()).toEqual(went ? [1, 2] : [1, 1])
      if (!went) expect(routesOf(peer.state).entries[1]?.state).toBe('frozen')
      peer.decide(2, [second(histories, 'ours')])
      happens(peer)
      simulation.run(() => phaseOf(peer, 2) === 'committed')
    }
  )

  it.each([...before, ...underWay, 'trial' as const])(
    'of a version that is %s ends by the decision for another one',
    phase => {
      const [simulation, peer, histories] = peerIn(phase)
      peer.trust({ fact: 'forked', version: 2 })
      happens(peer)
      if (phase === 'trial') settle(simulation)
      peer.decide(2, [second(histories, 'theirs')])
      happens(peer)
      simulation.run(() => phaseOf(peer, 2) === 'committed')
      expect(chainIdPrefix(peer.state.log, 2)).toBe(chainIdPrefix(histories.theirs, 2))
      expect(peer.disk.meta).toMatchObject({ current: 2, chainId: chainIdPrefix(histories.theirs, 2) })
      expect(peer.state.host.plan?.object.bundle).toBe('b'.repeat(64))
    }
  )

  it.each([...before, ...underWay, 'trial' as const])(
    'of a version that is %s ends by the decision for none',
    phase => {
      const [simulation, peer, histories] = peerIn(phase)
      peer.decide(2, [])
      happens(peer)
      settle(simulation)
      expect(peer.state.running).toBe(1)
      expect(peer.disk.meta?.current).toBe(1)
      expect(peer.served()).toEqual([1, 1])
      expect(peer.state.log).toHaveLength(1)
      expect(peer.said).toMatchObject({ newest: 1, versions: [] })
      // A later root may still name one.
      peer.decide(2, [second(histories, 'ours')])
      happens(peer)
      simulation.run(() => phaseOf(peer, 2) === 'committed')
    }
  )

  it('goes back from a twin by the same way', () => {
    const [simulation, peer, histories] = peerIn('trial', twinUpgrade)
    peer.decide(2, [second(histories, 'theirs')])
    happens(peer)
    simulation.run(() => peer.isSettledAt(2))
    expect(peer.disk.meta?.chainId).toBe(chainIdPrefix(histories.theirs, 2))
  })

  for (const [name, phase, shape] of [
    ['committed it', 'committed', copies],
    ['has no way back from it', 'trial', oneWay]
  ] as const) {
    it(`diverges when the peer ${name} and the root decides against it`, () => {
      const [simulation, peer, histories] = peerIn(phase, shape)
      peer.trust({ fact: 'forked', version: 2 })
      happens(peer)
      settle(simulation)
      expect(peer.served()).toEqual([1, 2])
      peer.decide(2, [second(histories, 'theirs')])
      happens(peer)
      settle(simulation)
      expect(divergedAt(peer.state)).toBe(2)
      // What lies below the fork it still serves, and nothing from there on.
      expect(peer.served()).toEqual([1, 1])
      expect(routesOf(peer.state)).toMatchObject({ divergedAt: 2 })
      expect(peer.disk.meta).toMatchObject({ current: 2, chainId: chainIdPrefix(histories.ours, 2) })
      expect(peer.said).toMatchObject({
        running: { version: 2, chainId: chainIdPrefix(histories.ours, 2) },
        versions: [{ version: 2, phase: 'diverged' }]
      })
      expect(peer.said?.versions[0]?.reason).toContain('`instar peer reset`')
      // Nothing that comes later begins here.
      const third = descriptor(histories.theirs)
      peer.learn(third, 1)
      settle(simulation)
      expect(peer.state.running).toBe(2)
      expect(peer.state.log).toHaveLength(2)
      expect(peer.said?.newest).toBe(3)
      // The root may change its mind, and then it is as all others.
      peer.decide(2, [second(histories, 'ours')])
      happens(peer)
      settle(simulation)
      expect(phaseOf(peer, 2)).toBe('committed')
      expect(peer.served()).toEqual([1, 2])
    })
  }

  it('of a version that leaves the class alone costs nothing: the peer counts back, and takes the other one', () => {
    const other: ClassUpgrade = { ...classUpgrade(2, { newClass: 'Other', transform: 'none' }), oldClass: undefined }
    const simulation = new Simulation({ peers: 1, seed: 1 })
    const peer = simulation.peers[0]!
    const log = versions(2, version => (version === 2 ? { classes: [other] } : {}))
    peer.boot()
    for (const each of log) simulation.publish(each.descriptor)
    simulation.run(() => phaseOf(peer, 2) === 'committed')
    const kept = descriptor(log.slice(0, 1))
    peer.decide(2, [kept])
    happens(peer)
    simulation.run(() => peer.isSettledAt(2) && peer.disk.meta?.current === 2)
    expect(divergedAt(peer.state)).toBeUndefined()
  })
})

describe('a peer on another history', () => {
  it('enters no decision from the version on where the two part (§6)', () => {
    const [, peer, { ours, theirs }] = peerIn('waiting')
    const say = (log: VersionLog, seq: number, over: Partial<Announcement> = {}): void => {
      const chainId = (version: number): string => chainIdPrefix(log, version)!
      const announcement: Announcement = {
        ...peer.said!,
        ...{ peer: `12D3KooW${'x'.repeat(36)}`, epoch: 1, seq, floor: 1, running: { version: 1, chainId: chainId(1) } },
        ...{ versions: [{ version: 2, chainId: chainId(2), phase: 'trial' }], ...over }
      }
      peer.input({ fact: 'announcement', announcement, ageMs: 0, admission: openAdmission })
    }
    const now = { wallMs: peer.simulation.wallMs(), monoMs: peer.simulation.nowMs }
    const counts = (version: number): boolean => peersAt(peer.state, version, now).length === 1
    say(ours, 1)
    expect([1, 2, 3].map(counts)).toEqual([true, true, true])
    say(theirs, 2)
    expect([1, 2, 3].map(counts)).toEqual([true, false, false])
    // It names version 3 only: the fork that is known says where the two part.
    const third = appendVersion(theirs, descriptor(theirs))
    peer.learn(descriptor(ours), 0)
    peer.simulation.run(() => peer.state.log.length === 3)
    peer.trust({ fact: 'forked', version: 2 })
    say(third, 3, { running: { version: 3, chainId: chainIdPrefix(third, 3)! }, versions: [] })
    expect([1, 2, 3].map(counts)).toEqual([true, false, false])
  })
})

describe('whatever is said of a version, whenever', () => {
  const words: ReadonlyArray<(peer: SimulatedPeer, histories: ReturnType<typeof twoHistories>) => void> = [
    peer => peer.trust({ fact: 'forked', version: 2 }),
    (peer, histories) => peer.decide(2, [second(histories, 'ours')]),
    (peer, histories) => peer.decide(2, [second(histories, 'theirs')]),
    peer => peer.decide(2, []),
    peer => peer.trust({ fact: 'halt', version: 2, unload: false, reason: 'it is slow' }),
    peer => peer.trust({ fact: 'halt', version: 2, unload: true, reason: 'it is wrong' }),
    peer => peer.trust({ fact: 'resume', version: 2, order: `order ${peer.simulation.nowMs}` })
  ]

  it('nothing that is stopped starts, a restart changes nothing, and the last word decides where the peer ends', () => {
    const event = fc.record({
      atMs: fc.integer({ min: 0, max: 2500 }),
      word: fc.integer({ min: 0, max: words.length - 1 })
    })
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 1_000_000 }),
        fc.array(event, { minLength: 1, maxLength: 6 }),
        fc.integer({ min: 0, max: 40 }),
        fc.constantFrom(copies, twinUpgrade, oneWay),
        (seed, events, oneIn, shape) => {
          const simulation = new Simulation({ peers: 1, seed })
          const peer = simulation.peers[0]!
          const histories = twoHistories(shape)
          let deaths = 0
          peer.killAt = (when, effect) => {
            if (when === 'before' && effect.effect === 'switchHost') {
              const { purpose, version } = effect
              // P1: at the moment when it is asked for, nothing speaks against it.
              if ((purpose === 'upgrade' || purpose === 'introduce') && version !== undefined)
                expect([purpose, blockOf(peer.state, version)?.phase]).toEqual([purpose, stays(peer, version, purpose)])
            }
            if (oneIn < 2 || deaths >= 10 || simulation.random(oneIn) !== 0) return false
            deaths++
            simulation.rebootLater(peer, simulation.random(300))
            return true
          }
          peer.boot()
          for (const each of histories.ours) simulation.publish(each.descriptor)
          const say = (word: number, delayMs: number): void =>
            simulation.always(peer, delayMs, () => {
              // The root decides on nothing that follows on what nobody knows.
              if (peer.disk.trusted.length === 0) say(word, 50)
              else words[word]!(peer, histories)
            })
          for (const { atMs, word } of events) say(word, atMs)
          settle(simulation, 60_000)
          const last = (facts: ReadonlyArray<Fact['fact']>): Fact | undefined =>
            (peer.disk.words.get(2) ?? []).findLast(each => facts.includes(each.fact))
          const fork = last(['forked', 'decided'])
          const halted = last(['halt', 'resume'])?.fact === 'halt'
          const kept = fork?.fact === 'decided' ? fork.keep : histories.ours[1]!.descriptorHash
          const own = peer.state.log[1]?.descriptorHash
          const where = `${peer.describe()} diverged ${divergedAt(peer.state)}`
          expect(peer.state.damage, where).toBeUndefined()
          expect(peer.state.host.status, where).toBe('up')
          if (divergedAt(peer.state) !== undefined) {
            expect(peer.state.running, where).toBe(2)
            if (fork?.fact === 'decided') expect(own, where).not.toBe(kept)
            expect(peer.served(), where).not.toContain(2)
            return
          }
          if (kept === 'none') expect(peer.state.running, where).toBe(1)
          else if (peer.state.running === 2 && fork?.fact !== 'forked') expect(own, where).toBe(kept)
          const trialIsOver = phaseOf(peer, 2) === 'wentBack' && shape !== oneWay
          if (fork?.fact !== 'forked' && !halted && kept !== 'none' && !trialIsOver)
            expect([peer.state.running, phaseOf(peer, 2)], where).toEqual([2, 'committed'])
          if (phaseOf(peer, 2) === 'trial') expect(halted || fork?.fact === 'forked', where).toBe(true)
        }
      ),
      { numRuns: propertyRuns(150) }
    )
  })

  /** What was introduced before a halt without `unload` is loaded again by every host that starts. */
  function stays(peer: SimulatedPeer, version: number, purpose: string): string | undefined {
    const phase = phaseOf(peer, version)
    const isKept = purpose === 'introduce' && (phase === 'introduced' || phase === 'waiting')
    return isKept && peer.state.halted.has(version) ? 'halted' : undefined
  }
})
