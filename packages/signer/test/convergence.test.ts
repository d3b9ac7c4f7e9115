import fc from 'fast-check'
import { beforeAll, describe, expect, it } from 'vitest'
import { signDocument } from '../src/authoring/bodies.js'
import {
  documentsAhead,
  documentsOf,
  emptyTrust,
  forksOf,
  freshUntilMs,
  headsOf,
  isBehind,
  missingDescriptors,
  parseHeads,
  restoreTrust,
  trust,
  trustedUpgrades,
  type TrustState
} from '../src/index.js'
import { propertyRuns } from '../../../test/property-budget.js'
import {
  dayMs,
  feed,
  keysOf,
  nextDescriptor,
  nextRoot,
  nowMs,
  settled,
  shuffled,
  signSnapshot,
  signTargets,
  signTimestamp,
  testNetwork,
  type TestNetwork
} from './network-kit.js'

let net: TestNetwork
/** A life of the network, in order: publications, renewals, a rotation, signers that overlap. */
let life: Uint8Array[]
let final: TrustState
/** The same, with authors who signed two descriptors for version 3. */
let forked: Uint8Array[]

beforeAll(async () => {
  net = await testNetwork({ targets: 3, timestamp: 2, snapshot: 2 })
  const authors = keysOf(net).targets
  const [s, t] = [keysOf(net).snapshot, keysOf(net).timestamp]
  const { root, targets, snapshot, timestamp } = net.created.documents
  const one = net.created.descriptor
  const two = nextDescriptor(net.state)
  const first = await signTargets(2, [one, two], [authors[0]!, authors[1]!])
  const afterTwo = feed(net.state, [first, two])
  const three = nextDescriptor(afterTwo)
  const keys = { ...keysOf(net), timestamp: [t[1]!] }
  life = [
    ...[root, targets, snapshot, timestamp, one],
    ...[first, await signTargets(2, [one, two], [authors[1]!, authors[2]!]), two],
    ...[await signSnapshot(2, 2, s[0]!), await signTimestamp(2, 2, t[0]!)],
    ...[await signSnapshot(3, 1, s[1]!), await signTimestamp(3, 3, t[1]!, 20 * dayMs)],
    ...[await signTimestamp(4, 2, t[1]!, 5 * dayMs), await signTimestamp(5, 2, t[0]!, 9 * dayMs)],
    await signDocument(nextRoot(2, keys, { targets: 2 }), keys.root),
    ...[await signTargets(3, [one, two, three], [authors[0]!, authors[2]!]), three],
    ...[await signSnapshot(5, 3, s[0]!), await signTimestamp(6, 5, t[1]!, 12 * dayMs)]
  ]
  final = settled(emptyTrust(net.network), life)
  const other = nextDescriptor(afterTwo, 'another third')
  forked = [...life, other, await signTargets(4, [one, two, other], [authors[0]!, authors[1]!])]
})

/** What two peers compare, beyond what they hold byte for byte. */
function essence(state: TrustState) {
  const hashes = documentsOf(state).map(each => each.info.hash)
  return {
    hashes: hashes.sort(),
    heads: headsOf(state),
    fresh: freshUntilMs(state),
    upgrades: trustedUpgrades(state).length
  }
}

describe('registers', () => {
  it('end in the same state whatever order and however often documents come', () => {
    expect(essence(final)).toMatchObject({ upgrades: 3, fresh: nowMs + 12 * dayMs })
    fc.assert(
      fc.property(shuffled(19), order => {
        expect(life).toHaveLength(19)
        expect(
          essence(
            settled(
              emptyTrust(net.network),
              order.map(i => life[i]!)
            )
          )
        ).toEqual(essence(final))
      }),
      { numRuns: propertyRuns(60) }
    )
  })

  it('prove a fork to every peer that saw both, in any order', () => {
    fc.assert(
      fc.property(shuffled(21), order => {
        const state = settled(
          emptyTrust(net.network),
          order.map(i => forked[i]!)
        )
        expect(forksOf(state).map(each => each.version)).toEqual([3])
        expect(state.targets?.version).toBe(4)
        expect(state.witnesses.map(each => each.version)).toEqual([3])
      }),
      { numRuns: propertyRuns(60) }
    )
  })

  it('never take trust away by a document from outside, but by a root', () => {
    fc.assert(
      fc.property(shuffled(21), order => {
        let state = emptyTrust(net.network)
        for (const i of order) {
          const before = state
          state = trust(state, forked[i]!, nowMs).state
          if (state.roots.length > before.roots.length) continue
          expect(state.targets?.version ?? 0).toBeGreaterThanOrEqual(before.targets?.version ?? 0)
          expect(trustedUpgrades(state).slice(0, trustedUpgrades(before).length)).toMatchObject(
            trustedUpgrades(before).map(({ version, descriptorHash }) => ({ version, descriptorHash }))
          )
          for (const fork of forksOf(before)) expect(forksOf(state)).toContainEqual(fork)
        }
      }),
      { numRuns: propertyRuns(60) }
    )
  })

  it('tell of each version once, forks before versions', () => {
    const told: string[] = []
    let state = emptyTrust(net.network)
    for (const document of forked) {
      const result = trust(state, document, nowMs)
      state = result.state
      for (const each of result.facts) if ('version' in each) told.push(`${each.fact} ${each.version}`)
    }
    expect(told).toEqual(['versionTrusted 1', 'versionTrusted 2', 'rootRotated 2', 'versionTrusted 3', 'forked 3'])
  })
})

describe('restoring', () => {
  it('gives back the same state, at any moment of a life', () => {
    fc.assert(
      fc.property(shuffled(21), fc.nat(21), (order, cut) => {
        const state = feed(
          emptyTrust(net.network),
          order.slice(0, cut).map(i => forked[i]!)
        )
        const restored = restoreTrust(
          net.network,
          documentsOf(state).map(each => each.bytes)
        )
        expect(documentsOf(restored)).toEqual(documentsOf(state))
        expect(restored.named).toEqual(state.named)
        expect(headsOf(restored)).toEqual(headsOf(state))
      }),
      { numRuns: propertyRuns(60) }
    )
  })

  it('leaves out what a disk has damaged, and trusts nothing instead', () => {
    const documents = documentsOf(final).map(each => each.bytes)
    for (let i = 0; i < documents.length; i++) {
      const damaged = documents.map((each, at) =>
        at === i ? each.map((byte, j) => (j === 90 ? byte ^ 1 : byte)) : each
      )
      const restored = restoreTrust(net.network, damaged)
      const known = new Set(documentsOf(final).map(each => each.info.hash))
      const extra = documentsOf(restored).filter(each => !known.has(each.info.hash))
      // A damaged descriptor may be kept, for nothing names it.
      expect(extra.filter(each => each.info.role !== 'descriptor')).toEqual([])
      expect(trustedUpgrades(restored).every(each => known.has(each.descriptorHash))).toBe(true)
    }
  })
})

describe('heads', () => {
  it('bring any peer to the same state in one exchange, and then ask for nothing', () => {
    fc.assert(
      fc.property(fc.nat(19), cut => {
        const behind = feed(emptyTrust(net.network), life.slice(0, cut))
        const heads = headsOf(behind)
        const caughtUp = feed(behind, documentsAhead(final, heads))
        expect(essence(caughtUp)).toEqual(essence(final))
        expect(documentsAhead(final, headsOf(caughtUp))).toEqual([])
        expect(isBehind(caughtUp, headsOf(final))).toBe(false)
        expect(isBehind(behind, headsOf(final))).toBe(cut < 19)
        expect(documentsAhead(behind, headsOf(final))).toEqual([])
      })
    )
  })

  it('bring evidence to a peer that saw one side of a fork only', () => {
    const whole = settled(emptyTrust(net.network), forked)
    const one = settled(emptyTrust(net.network), forked.slice(0, -1))
    expect(isBehind(one, headsOf(whole))).toBe(true)
    expect(forksOf(feed(one, documentsAhead(whole, headsOf(one))))).toEqual(forksOf(whole))
    const two = feed(emptyTrust(net.network), [life[0]!, forked.at(-1)!])
    expect(isBehind(two, headsOf(whole))).toBe(true)
    expect(forksOf(feed(two, documentsAhead(whole, headsOf(two))))).toEqual(forksOf(whole))
  })

  it('are small, survive JSON, and are checked', () => {
    const heads = headsOf(settled(emptyTrust(net.network), forked))
    const text = JSON.stringify(heads)
    expect(text.length).toBeLessThan(1024)
    expect(parseHeads(JSON.parse(text))).toEqual({ verdict: 'accept', value: heads })
    for (const bad of [undefined, null, [], {}, { ...heads, root: { version: 0, hash: 'x' } }]) {
      expect(parseHeads(bad).verdict).toBe('reject')
    }
    // A later release may say more of itself (§16).
    expect(parseHeads({ ...heads, extra: 1 })).toEqual({ verdict: 'accept', value: heads })
  })

  it('say which descriptors are missing', () => {
    const state = settled(
      emptyTrust(net.network),
      life.filter((_, i) => i !== 7)
    )
    expect(missingDescriptors(state)).toMatchObject([{ version: 2 }])
    expect(trustedUpgrades(state).map(each => each.version)).toEqual([1])
  })
})

describe('any bytes', () => {
  it('get a verdict, never a throw, and change nothing unless signed', () => {
    const mutated = fc
      .tuple(fc.nat(18), fc.array(fc.tuple(fc.nat(4000), fc.nat(255)), { minLength: 1, maxLength: 4 }))
      .map(([which, changes]) => {
        const bytes = life[which]!.slice()
        for (const [at, byte] of changes) bytes[at % bytes.byteLength] = byte
        return bytes
      })
    const json = fc.json().map(text => Buffer.from(text))
    const envelope = fc
      .record({ signed: fc.jsonValue(), signatures: fc.jsonValue() })
      .map(value => Buffer.from(JSON.stringify(value)))
    const known = new Set(documentsOf(final).map(each => each.info.hash))
    fc.assert(
      fc.property(fc.oneof(mutated, json, envelope, fc.uint8Array({ maxLength: 300 })), bytes => {
        const { state } = trust(final, bytes, nowMs)
        expect(documentsOf(state).every(each => known.has(each.info.hash))).toBe(true)
      }),
      { numRuns: propertyRuns(400) }
    )
  })
})
