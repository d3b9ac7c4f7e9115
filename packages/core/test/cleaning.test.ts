import fc from 'fast-check'
import { expect, test } from 'vitest'
import { propertyRuns } from '../../../test/property-budget.js'
import { openAdmission, sha256Hex, whatStays, type Admission, type ClassUpgrade, type PeerState } from '../src/index.js'
import { classUpgrade, twinUpgrade, versions } from './descriptors.js'
import { Simulation, type SimulatedPeer } from './simulation.js'

const loses = 'what came last'
/** Kinds of way back, as they take turns. */
const kinds: readonly Partial<ClassUpgrade>[] = [{ back: 'copy' }, { back: 'transform', loses }, { back: 'none' }]

type Move =
  | { readonly move: 'publish' | 'wait' | 'cleanAll' }
  | { readonly move: 'kill' | 'boot' | 'clean' | 'ill' | 'release'; readonly peer: number }
  | { readonly move: 'restore'; readonly peer: number; readonly which: number; readonly isKilled: boolean }

const peers = 3
const peer = fc.nat(peers - 1)
const moves: fc.Arbitrary<Move> = fc.oneof(
  { weight: 5, arbitrary: fc.record({ move: fc.constantFrom('publish', 'publish', 'cleanAll', 'wait') }) },
  {
    weight: 3,
    arbitrary: fc.record({ move: fc.constantFrom('kill', 'boot', 'boot', 'release', 'clean', 'ill'), peer })
  },
  { weight: 1, arbitrary: fc.record({ move: fc.constant('restore'), peer, which: fc.nat(2), isKilled: fc.boolean() }) }
)
const keepMs = 2500
const retentionMs = 500

function world(seed: number): Simulation {
  const oldStates = { keepMs, bytesMax: 250 }
  return new Simulation({
    peers,
    seed,
    policy: { oldStates },
    scarceBundles: { retentionMs },
    timing: { cleanEveryMs: 700, introduceGraceMs: 300, unreachableAfterMs: 300 }
  })
}

const pace: Partial<ClassUpgrade> = {
  probationMs: 10,
  stableMs: 200,
  // Over from the beginning: whether others still run a version does not keep it served.
  retirement: { quietMs: 0, notAfter: '2026-01-01T00:00:00.000Z' }
}

const log = versions(7, version => {
  const kind = version === 1 ? {} : kinds[version % kinds.length]
  return { classes: [version % 4 === 0 ? twinUpgrade(version, pace) : classUpgrade(version, { ...pace, ...kind })] }
})

/** A second look when what was noticed at the first is old enough. */
function cleanAll(simulation: Simulation): void {
  for (const each of simulation.peers) each.input({ fact: 'clean' })
}

function pass(simulation: Simulation, ms: number): void {
  const until = simulation.nowMs + ms
  let isOver = false
  const first = simulation.peers[0] as SimulatedPeer
  simulation.always(first, ms, () => (isOver = true))
  simulation.run(() => isOver || simulation.nowMs > until, ms + 1)
}

function act(simulation: Simulation, move: Move, published: { count: number }): void {
  const at = (index: number): SimulatedPeer => simulation.peers[index] as SimulatedPeer
  switch (move.move) {
    case 'publish': {
      const entry = log[published.count]
      if (entry === undefined) return
      published.count++
      return simulation.publish(entry.descriptor)
    }
    case 'wait':
      return pass(simulation, 2000)
    case 'cleanAll':
      return cleanAll(simulation)
    case 'clean':
      return at(move.peer).input({ fact: 'clean' })
    case 'kill':
      return at(move.peer).kill()
    case 'boot':
      if (!at(move.peer).isUp) at(move.peer).boot()
      return
    case 'release':
      return at(move.peer).input({ fact: 'policy', set: {}, unset: ['hold'] })
    case 'ill': {
      const { running } = at(move.peer).state
      return at(move.peer).input({ fact: 'operator', word: 'goBack', version: running })
    }
    case 'restore': {
      const old = at(move.peer).disk.old[move.which]
      const phase = at(move.peer).state.versions.get(at(move.peer).state.running)?.phase
      if (old === undefined || phase === 'trial' || phase === 'goingBack') return
      // The tool settles first what the journal has left open, as a start does.
      at(move.peer).kill()
      at(move.peer).boot()
      at(move.peer).kill()
      return at(move.peer).restore(old, move.isKilled)
    }
  }
}

test('whatever happens, cleaning takes nothing that a plan still needs, and in the end everything else (§14)', () => {
  fc.assert(
    fc.property(fc.nat(), fc.array(moves, { minLength: 12, maxLength: 30, size: 'max' }), (seed, history) => {
      const simulation = world(seed)
      const published = { count: 1 }
      simulation.publish(log[0]!.descriptor)
      // The last peer is met only later: a newcomer, wherever the others are by then.
      for (const each of simulation.peers.slice(0, -1)) each.boot()
      for (const move of history) {
        act(simulation, move, published)
        pass(simulation, 700)
      }
      // Whoever is behind, was restored or has never been up reaches the newest version from what the others still have.
      for (const each of simulation.peers) {
        if (!each.isUp) each.boot()
        each.input({ fact: 'policy', set: {}, unset: ['hold'] })
        for (const version of each.state.versions.keys()) each.input({ fact: 'operator', word: 'resume', version })
      }
      simulation.run(
        () =>
          simulation.peers.every(
            each =>
              each.state.running === published.count && each.state.versions.get(published.count)?.phase !== 'trial'
          ),
        200_000
      )
      simulation.run(() => simulation.peers.every(each => each.state.lowest === published.count), 200_000)
      // Old states have had their time, and then what unneeded bundles have.
      pass(simulation, keepMs + 1000)
      cleanAll(simulation)
      pass(simulation, retentionMs + 1000)
      cleanAll(simulation)
      for (const each of simulation.peers) {
        expect(each.disk.old).toEqual([])
        // The dumb twin: with everybody at one version, its code is all that anybody can need.
        const code = published.count === 1 ? [1] : [published.count - 1, published.count]
        const allowed = code.map(version => sha256Hex(`bundle ${version}`))
        expect(
          [...each.disk.bundles].filter(bundle => !allowed.includes(bundle)),
          each.describe()
        ).toEqual([])
        expect(each.disk.bundles.has(sha256Hex(`bundle ${published.count}`)) || published.count === 1).toBe(true)
      }
    }),
    { numRuns: propertyRuns(8) }
  )
})

/** A peer that has committed version 3, some time after a start at which nobody has answered. */
function unanswered(afterMs: number, others: ReadonlyArray<{ readonly floor: number; readonly admission: Admission }>) {
  const simulation = new Simulation({ peers: 2, seed: 1, policy: { oldStates: { keepMs: 0, bytesMax: 0 } } })
  const [alone, other] = simulation.peers as [SimulatedPeer, SimulatedPeer]
  alone.boot()
  const history = versions(3, version => ({ classes: [classUpgrade(version, version === 1 ? {} : pace)] }))
  for (const { descriptor } of history) simulation.publish(descriptor)
  simulation.run(() => alone.isSettledAt(3))
  const state: PeerState = alone.state
  state.synced = false
  state.oldStates = []
  const wallMs = simulation.wallMs()
  const monoMs = state.startedMonoMs + afterMs
  for (const { floor, admission } of others)
    state.roster.set(other.id, {
      announcement: { ...alone.said!, peer: other.id, floor },
      heardMonoMs: monoMs - 2 * 86_400_000,
      admission,
      troubleMonoMs: new Map()
    })
  const { bundles, because } = whatStays(state, { wallMs, monoMs }).bundles
  return {
    from: bundles === 'all' ? 'all' : Math.min(...[1, 2, 3].filter(v => bundles.has(sha256Hex(`bundle ${v}`)))),
    because
  }
}

const minuteMs = 60_000
const certified: Admission = {
  by: 'certificate',
  fromMs: 0,
  untilMs: Number.MAX_SAFE_INTEGER,
  class: 'Counter1',
  groups: [],
  serial: '0'.repeat(32)
}
const stranger: Admission = { by: 'nothing', code: 'NotAdmitted', reason: 'it shows no certificate' }

test('a peer whom nobody answers keeps everything at first, and then goes by what it knows of the others (§14)', () => {
  expect(unanswered(24 * minuteMs, [])).toMatchObject({
    from: 'all',
    because: expect.stringContaining('25 min') as string
  })
  expect(unanswered(26 * minuteMs, []).from).toBe(2)
  expect(unanswered(26 * minuteMs, [{ floor: 1, admission: stranger }]).from).toBe(2)
  // Who is known may come back, and others that are not known with it.
  for (const admission of [openAdmission, certified]) {
    expect(unanswered(26 * minuteMs, [{ floor: 3, admission }]).from).toBe('all')
    expect(unanswered(1441 * minuteMs, [{ floor: 3, admission }]).from).toBe(2)
    expect(unanswered(1441 * minuteMs, [{ floor: 1, admission }])).toMatchObject({
      from: 1,
      because: expect.stringContaining('may still run version 1') as string
    })
  }
})
