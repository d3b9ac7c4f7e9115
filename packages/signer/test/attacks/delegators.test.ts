import type { Json } from '@instar/core'
import { beforeAll, describe, expect, it } from 'vitest'
import { delegatedBody, signDocument } from '../../src/authoring/bodies.js'
import { haltPath } from '../../src/metadata/halt.js'
import { authorizedKeys, createKeyPair, haltsOf, trust } from '../../src/index.js'
import {
  dayMs,
  delegationsOf,
  feed,
  keysOf,
  later,
  nextRoot,
  nowMs,
  orderAt,
  outcome,
  settled,
  signAdmission,
  signHalt,
  signTargets,
  testNetwork,
  type TestNetwork
} from '../network-kit.js'

let net: TestNetwork
beforeAll(async () => {
  net = await testNetwork({ halt: 1, admission: 1 })
})

const delegate = (revision: number, keys: Parameters<typeof delegationsOf>[0], thresholds = {}) =>
  signTargets(
    revision,
    [net.created.descriptor],
    keysOf(net).targets,
    later(100 * dayMs),
    delegationsOf(keys, thresholds)
  )

describe('a role that is removed', () => {
  it.each(['halt', 'admission'] as const)('%s: what it signed counts no more, at once', async role => {
    const state = feed(net.state, [
      await signHalt(1, [orderAt(net.state, 1)], keysOf(net).halt),
      await signAdmission(2, 'certificate', keysOf(net).admission)
    ])
    const { halt, admission } = keysOf(net)
    const { facts, state: after } = trust(state, await delegate(2, role === 'halt' ? { admission } : { halt }), nowMs)
    expect(authorizedKeys(after, role)).toEqual([])
    expect(haltsOf(after).size).toBe(role === 'halt' ? 0 : 1)
    expect(after.admission?.version).toBe(role === 'halt' ? 2 : undefined)
    expect(facts).toContainEqual(role === 'halt' ? { fact: 'resumed', version: 1 } : { fact: 'admissionChanged' })
    const again = role === 'halt' ? signHalt(9, [orderAt(net.state, 1)], halt) : signAdmission(9, 'open', admission)
    expect(outcome(after, await again)).toBe('ignore NeedsNewerTrust')
  })

  it.each(['targets', 'snapshot', 'timestamp'] as const)('%s cannot be: such a root is refused', async role => {
    const body = nextRoot(2, keysOf(net)) as unknown as { roles: Record<string, Json> }
    const roles = Object.fromEntries(Object.entries(body.roles).filter(([name]) => name !== role))
    expect(outcome(net.state, await signDocument({ ...body, roles }, keysOf(net).root))).toBe('reject BadMetadata')
  })

  it('comes back with the targets that delegate it again, in any order', async () => {
    const { halt, admission } = keysOf(net)
    const order = await signHalt(1, [orderAt(net.state, 1)], halt)
    const [without, again] = [await delegate(2, { admission }), await delegate(3, { halt, admission })]
    for (const documents of [
      [order, without, again],
      [without, order, again],
      [again, without, order]
    ]) {
      expect(haltsOf(settled(net.state, documents)).get(1)?.order).toBe('halt')
    }
  })
})

describe('a delegator that changed', () => {
  it('judges each delegated document anew, and keeps of its signatures those that count', async () => {
    const [a, b, c] = [createKeyPair(), createKeyPair(), createKeyPair()]
    const { admission } = keysOf(net)
    const before = feed(net.state, [
      await delegate(2, { halt: [a, b], admission }),
      await signHalt(1, [orderAt(net.state, 1)], [a, b])
    ])
    expect(before.halt?.signatures).toHaveLength(2)
    const stays = feed(before, [await delegate(3, { halt: [b, c], admission })])
    expect(stays.halt?.signatures.map(each => each.keyId)).toEqual([b.key.keyId])
    const stricter = feed(before, [await delegate(3, { halt: [b, c], admission }, { halt: 2 })])
    expect(stricter.halt).toBeUndefined()
  })

  it('takes a halt with it that only the lost key signed, in every order', async () => {
    const [lost, kept] = [createKeyPair(), createKeyPair()]
    const { admission } = keysOf(net)
    const documents = [
      await delegate(2, { halt: [lost, kept], admission }),
      await signHalt(2, [orderAt(net.state, 1)], [lost]),
      await signHalt(1, [orderAt(net.state, 1, { order: 'resume' })], [kept]),
      await delegate(3, { halt: [kept], admission })
    ]
    for (const order of [documents, documents.toReversed(), [...documents.slice(2), ...documents.slice(0, 2)]]) {
      expect(haltsOf(settled(net.state, order)).get(1)?.order).toBe('resume')
    }
  })

  it.each<[string, (role: Record<string, Json>, delegations: Record<string, Json>) => void]>([
    ['another role', role => (role['name'] = 'upgrades')],
    ['a role by another name', role => (role['name'] = 'targets')],
    ['wider paths', role => (role['paths'] = ['*'])],
    ['one path more', role => (role['paths'] = ['halt/*', 'upgrades/*'])],
    ['paths by their hashes', role => (role['path_hash_prefixes'] = ['00'])],
    ['more than it says', role => (role['note'] = 'x')],
    ['no end of the search', role => (role['terminating'] = false)],
    ['a role twice', (role, delegations) => (delegations['roles'] = [role, role])],
    ['more beside its roles', (_role, delegations) => (delegations['note'] = 'x')],
    ['bins of hashes', (_role, delegations) => (delegations['succinct_roles'] = {})]
  ])('cannot delegate %s', async (_name, change) => {
    const delegations = structuredClone(delegationsOf({ halt: keysOf(net).halt })) as Record<string, Json>
    change((delegations['roles'] as Record<string, Json>[])[0]!, delegations)
    const document = await signTargets(2, [net.created.descriptor], keysOf(net).targets, later(dayMs), delegations)
    expect(outcome(net.state, document)).toBe('reject BadMetadata')
  })

  it('is never the delegated role itself', async () => {
    const body = delegatedBody('halt', 1, [[haltPath(1), { ...orderAt(net.state, 1) }]], later(dayMs))
    const delegations = delegationsOf({ halt: [createKeyPair()] })
    expect(outcome(net.state, await signDocument({ ...body, delegations }, keysOf(net).halt))).toBe(
      'reject BadMetadata'
    )
  })
})
