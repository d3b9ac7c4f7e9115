import { beforeEach, describe, expect, it } from 'vitest'
import { signDocument } from '../src/authoring/bodies.js'
import {
  decisionsOf,
  documentsOf,
  explainTrust,
  forksOf,
  haltsOf,
  nextPlace,
  restoreTrust,
  trust,
  trustedUpgrades,
  type TrustState
} from '../src/index.js'
import {
  delegationsOf,
  factsOf,
  feed,
  keysOf,
  later,
  nextDescriptor,
  nextRoot,
  nowMs,
  orderAt,
  outcome,
  signHalt,
  signTargets,
  target,
  testNetwork,
  type TestNetwork
} from './network-kit.js'

let net: TestNetwork
let forked: TrustState
let one: Uint8Array
let two: Uint8Array
let first: Uint8Array
let second: Uint8Array

beforeEach(async () => {
  net = await testNetwork({ halt: 1 })
  one = nextDescriptor(net.state, 'one')
  two = nextDescriptor(net.state, 'two')
  first = await targets(2, one)
  second = await targets(3, two)
  forked = feed(net.state, [first, one, second])
})

const targets = (revision: number, ...more: Uint8Array[]) =>
  signTargets(
    revision,
    [net.created.descriptor, ...more],
    keysOf(net).targets,
    later(1e10),
    delegationsOf({ halt: keysOf(net).halt })
  )
const decide = (root: number, ...decisions: { version: number; keep: string }[]) =>
  signDocument({ ...nextRoot(root, keysOf(net)), instar: { decisions } }, keysOf(net).root)
const hashes = (state: TrustState) => trustedUpgrades(state).map(each => each.descriptorHash)
const hashOf = (descriptor: Uint8Array) => target(descriptor).hash

describe('the decision of the root', () => {
  it('ends a fork: only the descriptor that it keeps counts', async () => {
    const document = await decide(2, { version: 2, keep: hashOf(two) })
    const { facts, state } = trust(forked, document, nowMs)
    expect(facts.map(each => each.fact)).toEqual(['decided', 'rootRotated'])
    expect(facts[0]).toEqual({ fact: 'decided', version: 2, keep: hashOf(two) })
    expect(forksOf(state)).toEqual([])
    expect(outcome(state, two)).toBe('accept')
    const after = feed(state, [two])
    expect(hashes(after)).toEqual([hashOf(net.created.descriptor), hashOf(two)])
    expect(nextPlace(after).version).toBe(3)
    expect(factsOf(state, two)).toContainEqual(
      expect.objectContaining({ fact: 'versionTrusted', version: 2, descriptorHash: hashOf(two) })
    )
    expect(explainTrust(after, nowMs).join('\n')).toContain(`the root keeps descriptor ${hashOf(two).slice(0, 8)}`)
  })

  it('counts also where only a witness names what it keeps, and where it came first', async () => {
    const document = await decide(2, { version: 2, keep: hashOf(one) })
    const late = feed(net.state, [document, second, two, first, one])
    expect(forksOf(late)).toEqual([])
    expect(late.targets?.version).toBe(3)
    expect(hashes(late)).toEqual([hashOf(net.created.descriptor), hashOf(one)])
    const restored = restoreTrust(
      net.network,
      documentsOf(late).map(each => each.bytes)
    )
    expect(hashes(restored)).toEqual(hashes(late))
  })

  it('for none ends the run before the version, until a later root decides otherwise', async () => {
    const none = feed(forked, [await decide(2, { version: 2, keep: 'none' })])
    expect(trustedUpgrades(none)).toHaveLength(1)
    expect(nextPlace(none).version).toBe(2)
    const third = nextDescriptor(none, 'three')
    const undecided = feed(none, [await targets(4, third), third])
    expect(trustedUpgrades(undecided)).toHaveLength(1)
    const other = feed(undecided, [await decide(3, { version: 2, keep: hashOf(third) }), third])
    expect(hashes(other).at(-1)).toBe(hashOf(third))
    expect([...decisionsOf(other)]).toEqual([[2, hashOf(third)]])
    expect(forksOf(other)).toEqual([])
  })

  it('is taken back by a root that does not repeat it', async () => {
    const decided = feed(forked, [await decide(2, { version: 2, keep: hashOf(two) })])
    const silent = feed(decided, [await decide(3)])
    expect(forksOf(silent).map(each => each.version)).toEqual([2])
  })

  it('leaves a halt of the history that it drops behind', async () => {
    const halt = await signHalt(1, [orderAt(forked, 2)], keysOf(net).halt)
    const halted = feed(forked, [halt])
    expect([...haltsOf(halted).keys()]).toEqual([2])
    const document = await decide(2, { version: 2, keep: hashOf(two) })
    expect(factsOf(halted, document)).toContainEqual({ fact: 'resumed', version: 2 })
    const kept = await decide(2, { version: 2, keep: hashOf(one) })
    expect([...haltsOf(feed(halted, [kept])).keys()]).toEqual([2])
  })

  it.each<[string, unknown]>([
    ['twice for one version', { decisions: [0, 0].map(() => ({ version: 2, keep: 'none' })) }],
    ['for what is no hash', { decisions: [{ version: 2, keep: 'both' }] }],
    ['for version 0', { decisions: [{ version: 0, keep: 'none' }] }],
    ['in no list', { decisions: {} }],
    ['in no object', 'none'],
    ['with more than it says', { decisions: [{ version: 2, keep: 'none', because: 'x' }] }]
  ])('is refused %s', async (_name, instar) => {
    const body = { ...nextRoot(2, keysOf(net)), instar: instar as never }
    expect(outcome(net.state, await signDocument(body, keysOf(net).root))).toBe('reject BadMetadata')
  })
})
