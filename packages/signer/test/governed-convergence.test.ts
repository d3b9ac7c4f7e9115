import fc from 'fast-check'
import { beforeAll, describe, expect, it } from 'vitest'
import { propertyRuns } from '../../../test/property-budget.js'
import { signDocument } from '../src/authoring/bodies.js'
import {
  admissionOf,
  createKeyPair,
  decisionsOf,
  documentsAhead,
  documentsOf,
  emptyTrust,
  forksOf,
  freshUntilMs,
  haltsOf,
  headsOf,
  isBehind,
  restoreTrust,
  trust,
  trustedUpgrades,
  type TrustState
} from '../src/index.js'
import {
  dayMs,
  delegationsOf,
  feed,
  keysOf,
  later,
  nextDescriptor,
  nextRoot,
  nowMs,
  orderAt,
  settled,
  shuffled,
  signAdmission,
  signHalt,
  signSnapshot,
  signTargets,
  signTimestamp,
  target,
  testNetwork,
  type TestNetwork
} from './network-kit.js'

let net: TestNetwork
/** Halts, admission, other keys for halt, a fork, and the root's decision, in order. */
let life: Uint8Array[]
let final: TrustState
const count = 25

beforeAll(async () => {
  net = await testNetwork({ targets: 3, halt: 2, admission: 1, snapshot: 2, timestamp: 2 })
  const { targets: authors, halt, admission, snapshot, timestamp, root } = keysOf(net)
  const [a, b, c] = authors
  const newHalt = createKeyPair()
  const before = delegationsOf({ halt, admission })
  // The first halt key is lost, the second stays.
  const after = delegationsOf({ halt: [halt[1]!, newHalt], admission })
  const year = later(400 * dayMs)
  const one = net.created.descriptor
  const two = nextDescriptor(net.state)
  const second = await signTargets(2, [one, two], [a!, b!], year, before)
  const atTwo = feed(net.state, [second, two])
  const [three, other] = [nextDescriptor(atTwo), nextDescriptor(atTwo, 'another third')]
  const resume = orderAt(atTwo, 2, { order: 'resume' })
  const decided = { decisions: [{ version: 3, keep: target(other).hash }] }
  life = [
    ...[...Object.values(net.created.documents), one, second, two],
    ...[await signHalt(1, [orderAt(atTwo, 2)], [halt[0]!]), await signHalt(1, [resume], [halt[1]!])],
    await signHalt(2, [orderAt(atTwo, 1)], [halt[0]!]),
    await signAdmission(2, 'certificate', admission),
    ...[await signSnapshot(2, { targets: 2, halt: 1, admission: 1 }, snapshot[0]!)],
    ...[await signSnapshot(3, { targets: 2, admission: 2 }, snapshot[1]!), await signTimestamp(3, 3, timestamp[1]!)],
    ...[await signTargets(3, [one, two, three], [a!, c!], year, after), three],
    ...[await signHalt(3, [orderAt(atTwo, 3, { unload: true })], [newHalt])],
    ...[await signTargets(4, [one, two, other], [b!, c!], year, after), other],
    await signDocument({ ...nextRoot(2, keysOf(net), { targets: 2 }), instar: decided }, root),
    ...[await signAdmission(3, 'certificate', admission), await signHalt(4, [orderAt(atTwo, 1)], [newHalt])],
    await signSnapshot(4, { targets: 4, halt: 4, admission: 3 }, snapshot[0]!),
    await signTimestamp(4, 4, timestamp[0]!, 11 * dayMs)
  ]
  final = settled(emptyTrust(net.network), life)
})

/** What two peers compare. Which descriptors were taken before the root decided is no part of it. */
function essence(state: TrustState) {
  const metadata = documentsOf(state).filter(each => each.info.role !== 'descriptor')
  return {
    hashes: metadata.map(each => each.info.hash).sort(),
    heads: headsOf(state),
    fresh: freshUntilMs(state),
    upgrades: trustedUpgrades(state).map(each => each.descriptorHash),
    forks: forksOf(state),
    decisions: decisionsOf(state),
    halts: haltsOf(state),
    admission: admissionOf(state)
  }
}

const restored = (state: TrustState) =>
  restoreTrust(
    net.network,
    documentsOf(state).map(each => each.bytes)
  )

describe('halt, admission and decisions', () => {
  it('end in the same state whatever order and however often documents come', () => {
    expect(life).toHaveLength(count)
    expect(essence(final)).toMatchObject({ fresh: nowMs + 11 * dayMs, forks: [], admission: { policy: 'certificate' } })
    expect(trustedUpgrades(final)).toHaveLength(3)
    // The second halt key's word outlives the first key; of the halt of the descriptor that the root dropped nothing is left.
    expect([...haltsOf(final).values()].map(each => `${each.order} ${each.version}`)).toEqual(['halt 1', 'resume 2'])
    fc.assert(
      fc.property(shuffled(count), order => {
        const state = settled(
          emptyTrust(net.network),
          order.map(i => life[i]!)
        )
        expect(essence(state)).toEqual(essence(final))
      }),
      { numRuns: propertyRuns(25) }
    )
  })

  it('say what changed: who hears all facts knows what is halted, forked, decided and admitted', () => {
    fc.assert(
      fc.property(shuffled(count), order => {
        let state = emptyTrust(net.network)
        const heard = { halted: new Set<number>(), forked: new Set<number>(), decided: new Map<number, string>() }
        let policy = admissionOf(state)
        for (const i of [...order, ...order]) {
          const { facts, state: next } = trust(state, life[i]!, nowMs)
          state = next
          for (const each of facts) {
            if (each.fact === 'halted') heard.halted.add(each.version)
            if (each.fact === 'resumed') heard.halted.delete(each.version)
            if (each.fact === 'forked') heard.forked.add(each.version)
            if (each.fact === 'decided') heard.decided.set(each.version, each.keep)
            if (each.fact === 'admissionChanged') policy = admissionOf(state)
          }
          const halted = [...haltsOf(state).values()].filter(each => each.order === 'halt').map(each => each.version)
          expect([...heard.halted].sort()).toEqual(halted)
          expect(policy).toEqual(admissionOf(state))
          for (const { version } of forksOf(state)) expect(heard.forked.has(version)).toBe(true)
          expect(heard.decided).toEqual(decisionsOf(state))
        }
      }),
      { numRuns: propertyRuns(25) }
    )
  })

  it('come back from the store as they were, at any moment', () => {
    fc.assert(
      fc.property(shuffled(count), fc.nat(count), (order, cut) => {
        const state = feed(
          emptyTrust(net.network),
          order.slice(0, cut).map(i => life[i]!)
        )
        expect(documentsOf(restored(state))).toEqual(documentsOf(state))
        expect(essence(restored(state))).toEqual(essence(state))
        expect(restored(state).named.run).toEqual(state.named.run)
      }),
      { numRuns: propertyRuns(25) }
    )
  })

  it('reach a peer that is behind by what its heads lack, and then nothing is left to ask for', () => {
    let behind = emptyTrust(net.network)
    for (const document of life) {
      expect(isBehind(behind, headsOf(final))).toBe(true)
      // The descriptor that the root decided for takes a second look: before it, both counted as one.
      let state = feed(behind, documentsAhead(final, headsOf(behind)))
      state = feed(state, documentsAhead(final, headsOf(state)))
      expect(essence(state)).toEqual(essence(final))
      expect(documentsAhead(final, headsOf(state))).toEqual([])
      expect(isBehind(state, headsOf(final))).toBe(false)
      behind = trust(behind, document, nowMs).state
    }
  })
})
