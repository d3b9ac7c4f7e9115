import { beforeAll, describe, expect, it } from 'vitest'
import {
  admissionOf,
  authorizedKeys,
  createKeyPair,
  createNetwork,
  documentsOf,
  emptyTrust,
  explainTrust,
  freshUntilMs,
  haltsOf,
  keyOf,
  nextPlace,
  refreshTimestamp,
  renewalDue,
  restoreTrust,
  thresholdOf,
  trust,
  type TrustState
} from '../src/index.js'
import { signDocument } from '../src/authoring/bodies.js'
import { groupPath, revokedPath } from '../src/metadata/admission.js'
import {
  dayMs,
  delegationsOf,
  descriptorAt,
  factsOf,
  feed,
  keysOf,
  later,
  memoryKeystore,
  nextRoot,
  nowMs,
  orderAt,
  outcome,
  signAdmission,
  signHalt,
  signSnapshot,
  signTargets,
  signTimestamp,
  testNetwork,
  type TestNetwork
} from './network-kit.js'

let net: TestNetwork
beforeAll(async () => {
  net = await testNetwork({ halt: 2, admission: 1 })
})

const orders = (state: TrustState) => [...haltsOf(state).values()].map(({ version, order }) => `${order} ${version}`)
const restored = (state: TrustState) =>
  restoreTrust(
    state.network,
    documentsOf(state).map(each => each.bytes)
  )

describe('a new network', () => {
  it('delegates halt and admission to the keys that there are for them, and begins open', () => {
    expect(authorizedKeys(net.state, 'halt')).toEqual(keysOf(net).halt.map(each => each.key.keyId))
    expect(thresholdOf(net.state, 'halt')).toBe(1)
    const { key } = net.key('admission')
    expect(keyOf(net.state, 'admission', key.keyId)).toEqual(key)
    expect(keyOf(net.state, 'halt', key.keyId)).toBeUndefined()
    expect(admissionOf(net.state).policy).toBe('open')
    expect(freshUntilMs(net.state)).toBe(nowMs + 7 * dayMs)
  })

  it('without such keys has nobody who halts, and stays open', async () => {
    const plain = await testNetwork()
    expect(authorizedKeys(plain.state, 'halt')).toEqual([])
    expect(thresholdOf(plain.state, 'halt')).toBe(Infinity)
    expect(admissionOf(plain.state).policy).toBe('open')
    const halt = await signHalt(1, [orderAt(plain.state, 1)], keysOf(net).halt)
    expect(outcome(plain.state, halt)).toBe('ignore NeedsNewerTrust')
  })

  it('asks for the thresholds that it is given', async () => {
    const keystore = memoryKeystore({ halt: 3 })
    const descriptor = (network: string) => descriptorAt({ network, version: 1, previous: network })
    const made = await createNetwork({ keystore, nowMs, descriptor, thresholds: { halt: 2 } })
    const state = feed(emptyTrust(made.network), Object.values(made.documents))
    expect(thresholdOf(state, 'halt')).toBe(2)
    const [a, b] = keystore.keysFor('halt')
    expect(outcome(state, await signHalt(1, [orderAt(state, 1)], [a!]))).toBe('ignore NeedsNewerTrust')
    expect(outcome(state, await signHalt(1, [orderAt(state, 1)], [a!, b!]))).toBe('accept')
  })
})

describe('a halt', () => {
  it('counts on receipt: named by no snapshot, and expired', async () => {
    const halt = await signHalt(1, [orderAt(net.state, 1, { unload: true })], [net.key('halt')], later(-dayMs))
    const { verdict, state, facts } = trust(net.state, halt, nowMs)
    expect(verdict).toMatchObject({ value: { role: 'halt', version: 1, as: 'trusted', expired: true } })
    expect(facts).toContainEqual({ fact: 'halted', version: 1, unload: true, reason: 'it hurts' })
    expect(freshUntilMs(state)).toBe(0)
    expect(renewalDue(state)).toEqual({ why: 'join', atMs: 0 })
  })

  it('is lifted by a resume of a higher number, not by a document that leaves it out', async () => {
    const [a] = keysOf(net).halt
    const first = await signHalt(1, [orderAt(net.state, 1)], [a!])
    const silent = await signHalt(2, [orderAt(net.state, 2)], [a!])
    const resume = await signHalt(3, [orderAt(net.state, 1, { order: 'resume' })], [a!])
    for (const order of [
      [first, silent],
      [silent, first]
    ]) {
      expect(orders(feed(net.state, order))).toEqual(['halt 1', 'halt 2'])
    }
    const state = feed(net.state, [first, silent])
    expect(state.haltWitnesses.map(each => each.version)).toEqual([1])
    expect(factsOf(state, resume)).toContainEqual({ fact: 'resumed', version: 1 })
    const lifted = feed(state, [resume])
    expect(orders(lifted)).toEqual(['resume 1', 'halt 2'])
    expect(outcome(lifted, first)).toBe('ignore Older')
    expect(orders(restored(lifted))).toEqual(orders(lifted))
  })

  it('wins over a resume of the same number, and both stay as evidence', async () => {
    const [a, b] = keysOf(net).halt
    const halt = await signHalt(1, [orderAt(net.state, 1)], [a!])
    // Otherwise the document counts more that lives longer.
    const resume = await signHalt(1, [orderAt(net.state, 1, { order: 'resume' })], [b!], later(400 * dayMs))
    for (const order of [
      [halt, resume],
      [resume, halt]
    ]) {
      const state = feed(net.state, order)
      expect(orders(state)).toEqual(['halt 1'])
      expect(documentsOf(state).filter(each => each.info.role === 'halt')).toHaveLength(2)
    }
  })

  it('means the history that it names', async () => {
    const [a] = keysOf(net).halt
    const other = orderAt(net.state, 1, { chainId: 'cd'.repeat(32) })
    const state = feed(net.state, [await signHalt(1, [other], [a!])])
    expect(orders(state)).toEqual([])
    const both = feed(net.state, [await signHalt(1, [orderAt(net.state, 1)], [a!]), await signHalt(2, [other], [a!])])
    expect(orders(both)).toEqual(['halt 1'])
    expect(orders(feed(net.state, [await signHalt(1, [{ ...other, version: 9 }], [a!])]))).toEqual(['halt 9'])
  })

  it('survives a rotation that drops the targets, and is judged by the next', async () => {
    const halted = feed(net.state, [await signHalt(1, [orderAt(net.state, 1)], [net.key('halt')])])
    const authors = [createKeyPair()]
    const root = await signDocument(nextRoot(2, { ...keysOf(net), targets: authors }), keysOf(net).root)
    const between = feed(halted, [root])
    expect(between.targets).toBeUndefined()
    expect(orders(between)).toEqual(['halt 1'])
    const before = restored(between)
    expect(documentsOf(before)).toEqual(documentsOf(between))
    const same = delegationsOf({ halt: keysOf(net).halt })
    const other = delegationsOf({ halt: [createKeyPair()] })
    const targets = (delegations: typeof same) =>
      signTargets(2, [net.created.descriptor], authors, later(dayMs), delegations)
    expect(orders(feed(before, [await targets(same)]))).toEqual(['halt 1'])
    expect(orders(feed(before, [await targets(other)]))).toEqual([])
    expect(factsOf(before, await targets(other))).toContainEqual({ fact: 'resumed', version: 1 })
  })
})

describe('admission', () => {
  const member = '12D3KooWJ6aHMuGZ4vbZpBhEEE1oTPKTu1yVQ2u9LkVzGLsjwLE2'

  it('says who counts, and which group is what', async () => {
    const serials = ['0f'.repeat(16), 'ab'.repeat(16)]
    const group = {
      format: 1,
      group: 'eu',
      configuration: 1,
      previous: net.network,
      members: [member],
      limit: 1
    }
    const document = await signAdmission(2, 'certificate', keysOf(net).admission, [
      [revokedPath, { format: 1, serials }],
      [groupPath('eu'), group]
    ])
    expect(factsOf(net.state, document)).toContainEqual({ fact: 'admissionChanged' })
    const state = feed(net.state, [document])
    expect(admissionOf(state)).toEqual({
      policy: 'certificate',
      revoked: new Set(serials),
      groups: new Map([['eu', group]])
    })
    expect(explainTrust(state, nowMs).join('\n')).toContain('2 revoked')
  })

  it('is closed where it is delegated and no document verifies, and open only where nobody holds it', async () => {
    const withheld = feed(
      emptyTrust(net.network),
      Object.entries(net.created.documents).flatMap(([name, bytes]) => (name === 'admission' ? [] : [bytes]))
    )
    expect(admissionOf(withheld).policy).toBe('certificate')
    expect(freshUntilMs(withheld)).toBe(0)
    const keys = [createKeyPair()]
    const delegations = delegationsOf({ admission: keys })
    const targets = await signTargets(2, [net.created.descriptor], [net.key('targets')], later(dayMs), delegations)
    expect(factsOf(net.state, targets)).toContainEqual({ fact: 'admissionChanged' })
    const rotated = feed(net.state, [targets])
    expect(admissionOf(rotated).policy).toBe('certificate')
    expect(admissionOf(feed(rotated, [await signAdmission(1, 'open', keys)])).policy).toBe('open')
  })

  it.each<[string, Parameters<typeof signAdmission>[3]]>([
    ['serials out of order', [[revokedPath, { format: 1, serials: ['ab'.repeat(16), '0f'.repeat(16)] }]]],
    ['a path that is not one of its', [['upgrades/2', { format: 1 }]]],
    ['a value of a newer format', [[revokedPath, { format: 2, serials: [] }]]]
  ])('is refused with %s', async (_name, more) => {
    expect(outcome(net.state, await signAdmission(2, 'open', keysOf(net).admission, more))).toBe('reject BadMetadata')
  })
})

describe('the snapshot', () => {
  it('is the join of all registers', async () => {
    const online = { snapshot: net.key('snapshot'), timestamp: net.key('timestamp') }
    const state = feed(net.state, [
      await signHalt(4, [orderAt(net.state, 1)], [net.key('halt')]),
      await signAdmission(7, 'open', keysOf(net).admission),
      await signTargets(2, [net.created.descriptor], [net.key('targets')], later(dayMs * 400), delegations())
    ])
    const { documents } = await refreshTimestamp(state, online, nowMs)
    const joined = feed(state, documents)
    expect(joined.snapshot?.signed['meta']).toEqual({
      'targets.json': { version: 2 },
      'halt.json': { version: 4 },
      'admission.json': { version: 7 }
    })
    expect(freshUntilMs(joined)).toBe(nowMs + 7 * dayMs)
    expect(renewalDue(joined)?.why).toBe('halfLife')
  })

  it('behind any register is dominated', async () => {
    const halted = feed(net.state, [await signHalt(1, [orderAt(net.state, 1)], [net.key('halt')])])
    const behind = await signSnapshot(9, { targets: 1, admission: 1 }, net.key('snapshot'))
    const joined = await signSnapshot(3, { targets: 1, admission: 1, halt: 1 }, net.key('snapshot'))
    const timestamp = await signTimestamp(3, 3, net.key('timestamp'))
    for (const order of [
      [behind, joined, timestamp],
      [joined, timestamp, behind]
    ]) {
      expect(freshUntilMs(feed(halted, order))).toBe(nowMs + 7 * dayMs)
    }
  })

  it('that names a halt which is not here is waited for, and written again at half life', async () => {
    const ahead = await signSnapshot(2, { targets: 1, admission: 1, halt: 9 }, net.key('snapshot'))
    const due = renewalDue(feed(net.state, [ahead, await signTimestamp(2, 2, net.key('timestamp'))]))
    expect(due).toEqual({ why: 'halfLife', atMs: nowMs + 3.5 * dayMs })
  })

  it('vouches for no longer than the shortest-lived of what it names', async () => {
    const halt = await signHalt(1, [orderAt(net.state, 1)], [net.key('halt')], later(dayMs))
    const state = feed(net.state, [
      halt,
      await signSnapshot(2, { targets: 1, admission: 1, halt: 1 }, net.key('snapshot')),
      await signTimestamp(2, 2, net.key('timestamp'))
    ])
    expect(freshUntilMs(state)).toBe(nowMs + dayMs)
  })
})

const delegations = () => delegationsOf({ halt: keysOf(net).halt, admission: keysOf(net).admission })

it('explains halts and who holds the roles', async () => {
  const state = feed(net.state, [await signHalt(1, [orderAt(net.state, 1)], [net.key('halt')])])
  const text = explainTrust(state, nowMs).join('\n')
  expect(text).toContain('version 1 is HALTED since 2030-01-01T00:00:00Z: it hurts')
  expect(text).toContain('  halt: 1 of 2 keys')
  expect(text).toContain('policy open: every peer counts as admitted')
  expect(nextPlace(state).version).toBe(2)
})
