import { encodeDescriptor } from '@instar/core'
import { beforeAll, describe, expect, it } from 'vitest'
import {
  documentsAhead,
  documentsOf,
  forksOf,
  headsOf,
  isBehind,
  restoreTrust,
  trust,
  trustedUpgrades,
  type Signer
} from '../../src/index.js'
import {
  dayMs,
  descriptorAt,
  factsOf,
  feed,
  keysOf,
  later,
  nextDescriptor,
  nowMs,
  orderAt,
  outcome,
  signAdmission,
  signHalt,
  signTargets,
  target,
  testNetwork,
  type TestNetwork
} from '../network-kit.js'

let net: TestNetwork
beforeAll(async () => {
  net = await testNetwork()
})

const genesis = () => net.created.descriptor

describe('equivocating authors', () => {
  it('keeps both of two descriptors that one revision number names, and freezes the version', async () => {
    const [one, two] = [nextDescriptor(net.state, 'one'), nextDescriptor(net.state, 'two')]
    const first = await signTargets(2, [genesis(), one], [net.key('targets')])
    const second = await signTargets(2, [genesis(), two], [net.key('targets')])
    const state = feed(net.state, [first, one])
    const { verdict, facts } = trust(state, second, nowMs)
    const hashes = [target(one).hash, target(two).hash].sort()
    expect(verdict.verdict).toBe('accept')
    expect(facts).toContainEqual({ fact: 'forked', version: 2, hashes })
    for (const order of [
      [first, second],
      [second, first]
    ]) {
      const both = feed(net.state, order)
      expect(forksOf(both)).toMatchObject([{ version: 2, hashes }])
      expect(both.witnesses).toHaveLength(1)
    }
  })

  it('goes on naming what it saw first, frozen', async () => {
    const [one, two] = [nextDescriptor(net.state, 'one'), nextDescriptor(net.state, 'two')]
    const first = await signTargets(2, [genesis(), one], [net.key('targets')])
    const second = await signTargets(3, [genesis(), two], [net.key('targets')])
    const state = feed(net.state, [first, one, second, two])
    expect(trustedUpgrades(state).at(-1)).toMatchObject({ version: 2, descriptorHash: target(one).hash, forked: true })
    expect(outcome(state, two)).toBe('ignore Forked')
    const restored = restoreTrust(
      net.network,
      documentsOf(state).map(each => each.bytes)
    )
    expect(restored.named).toEqual(state.named)
  })

  it('a later revision that drops an entry takes nothing away', async () => {
    const descriptor = nextDescriptor(net.state)
    const state = feed(net.state, [
      await signTargets(2, [genesis(), descriptor], [net.key('targets')]),
      descriptor,
      await signTargets(3, [genesis()], [net.key('targets')])
    ])
    expect(trustedUpgrades(state).map(each => each.version)).toEqual([1, 2])
    expect(forksOf(state)).toEqual([])
  })

  it('keeps a bounded number of proofs', async () => {
    let state = net.state
    for (let i = 0; i < 40; i++) {
      state = feed(state, [
        await signTargets(2, [genesis(), nextDescriptor(net.state, `try ${i}`)], [net.key('targets')])
      ])
    }
    expect(state.witnesses.length).toBeLessThanOrEqual(8)
    expect(forksOf(state)).toHaveLength(1)
  })

  it('is shown with who signed what', async () => {
    const council = await testNetwork({ targets: 3 })
    const [a, b, c] = keysOf(council).targets
    const [one, two] = [nextDescriptor(council.state, 'one'), nextDescriptor(council.state, 'two')]
    const state = feed(council.state, [
      await signTargets(2, [council.created.descriptor, one], [a!, b!]),
      await signTargets(3, [council.created.descriptor, two], [b!, c!])
    ])
    const ids = (...signers: Signer[]) => signers.map(each => each.key.keyId).sort()
    expect(forksOf(state)[0]?.sides.toSorted((x, y) => x.revision - y.revision)).toEqual([
      { hash: target(one).hash, revision: 2, signedBy: ids(a!, b!) },
      { hash: target(two).hash, revision: 3, signedBy: ids(b!, c!) }
    ])
  })
})

describe('an equivocating holder of halt or admission', () => {
  it('leaves both documents of one number as evidence, which heads bring to every peer', async () => {
    const governed = await testNetwork({ halt: 1, admission: 1 })
    const { halt, admission } = keysOf(governed)
    const order = orderAt(governed.state, 1)
    const pairs = [
      [await signHalt(1, [order], halt), await signHalt(1, [], halt)],
      // They say the same until another day: still two bodies of one number.
      [await signHalt(1, [order], halt), await signHalt(1, [order], halt, later(dayMs))],
      [await signAdmission(2, 'open', admission), await signAdmission(2, 'certificate', admission)]
    ]
    for (const [one, other] of pairs) {
      const both = feed(governed.state, [one!, other!])
      expect(documentsOf(both).filter(each => each.info.as === 'evidence')).toHaveLength(1)
      expect(headsOf(feed(governed.state, [other!, one!]))).toEqual(headsOf(both))
      const half = feed(governed.state, [one!])
      expect(isBehind(half, headsOf(both))).toBe(true)
      expect(headsOf(feed(half, documentsAhead(both, headsOf(half))))).toEqual(headsOf(both))
    }
  })

  it('costs a bounded number of proofs', async () => {
    const governed = await testNetwork({ halt: 1, admission: 1 })
    const { halt, admission } = keysOf(governed)
    let state = governed.state
    for (let i = 1; i <= 30; i++) {
      const order = orderAt(state, i, { reason: `try ${i}` })
      state = feed(state, [
        await signHalt(i, [order], halt),
        await signHalt(i, [{ ...order, order: 'resume' }], halt),
        await signAdmission(5, 'open', admission, [], later(i * dayMs))
      ])
    }
    expect(state.haltWitnesses.length).toBe(8)
    expect(state.admissionWitnesses.length).toBe(1)
    expect(JSON.stringify(headsOf(state)).length).toBeLessThan(1024)
  })
})

describe('targets that are replaced at the same version', () => {
  it('are evidence, also where both name the same', async () => {
    const one = await signTargets(2, [genesis()], [net.key('targets')], later(dayMs))
    const two = await signTargets(2, [genesis()], [net.key('targets')], later(2 * dayMs))
    const state = feed(net.state, [two])
    expect(trust(state, one, nowMs)).toMatchObject({ verdict: { value: { as: 'evidence' } }, facts: [] })
    expect(feed(state, [one]).witnesses).toHaveLength(1)
    expect(feed(state, [one, await signTargets(3, [genesis()], [net.key('targets')])]).witnesses).toEqual([])
  })

  it('a later revision that replaces an entry is evidence against its signers, not news', async () => {
    const other = encodeDescriptor(
      descriptorAt({ network: net.network, version: 1, previous: net.network }, 'replaced')
    )
    const document = await signTargets(2, [other], [net.key('targets')])
    expect(factsOf(net.state, document)).toContainEqual(expect.objectContaining({ fact: 'forked', version: 1 }))
    const state = feed(net.state, [document, other])
    expect(trustedUpgrades(state)).toMatchObject([{ version: 1, descriptorHash: target(genesis()).hash, forked: true }])
  })
})
