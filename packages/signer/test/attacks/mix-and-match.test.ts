import { beforeAll, describe, expect, it } from 'vitest'
import { emptyTrust, freshUntilMs, haltsOf } from '../../src/index.js'
import {
  dayMs,
  delegationsOf,
  feed,
  keysOf,
  later,
  nextDescriptor,
  nowMs,
  orderAt,
  outcome,
  settled,
  signHalt,
  signSnapshot,
  signTargets,
  signTimestamp,
  testNetwork,
  type TestNetwork
} from '../network-kit.js'

let net: TestNetwork
beforeAll(async () => {
  net = await testNetwork()
})

const genesis = () => net.created.descriptor

describe('mix-and-match', () => {
  it('is not fresh by a timestamp for a snapshot that is not here', async () => {
    const ahead = await signTimestamp(2, 2, net.key('timestamp'), 30 * dayMs)
    const state = feed(net.state, [ahead])
    expect(freshUntilMs(state)).toBe(nowMs + 7 * dayMs)
    expect(freshUntilMs(feed(state, [await signSnapshot(2, 1, net.key('snapshot'))]))).toBe(nowMs + 30 * dayMs)
  })

  it('is not fresh by a snapshot for targets that are not here', async () => {
    const state = feed(net.state, [
      await signSnapshot(2, 2, net.key('snapshot')),
      await signTimestamp(2, 2, net.key('timestamp'))
    ])
    expect(freshUntilMs(state)).toBe(0)
  })

  it('is not fresh by a snapshot behind the targets that are here (dominated)', async () => {
    const state = feed(net.state, [
      await signTargets(2, [genesis()], [net.key('targets')]),
      await signSnapshot(2, 1, net.key('snapshot')),
      await signTimestamp(2, 2, net.key('timestamp'))
    ])
    expect(freshUntilMs(state)).toBe(0)
    const repaired = feed(state, [
      await signSnapshot(3, 2, net.key('snapshot')),
      await signTimestamp(3, 3, net.key('timestamp'))
    ])
    expect(freshUntilMs(repaired)).toBe(nowMs + 7 * dayMs)
  })

  it('rejects the root of another network', async () => {
    const other = await testNetwork()
    expect(outcome(emptyTrust(net.network), other.created.documents.root)).toBe('reject WrongNetwork')
  })
})

describe('two timestamps with one number', () => {
  it('count the latest expiry, in any order', async () => {
    const long = await signTimestamp(2, 1, net.key('timestamp'), 6 * dayMs)
    const longer = await signTimestamp(2, 1, net.key('timestamp'), 9 * dayMs)
    for (const order of [
      [long, longer],
      [longer, long]
    ]) {
      expect(freshUntilMs(feed(net.state, order))).toBe(nowMs + 9 * dayMs)
    }
  })
})

describe('several online signers', () => {
  it('count the latest expiry, also under the lower number', async () => {
    const longer = await signTimestamp(2, 1, net.key('timestamp'), 9 * dayMs)
    const higher = await signTimestamp(3, 1, net.key('timestamp'), 5 * dayMs)
    for (const order of [
      [longer, higher],
      [higher, longer]
    ]) {
      expect(freshUntilMs(feed(net.state, order))).toBe(nowMs + 9 * dayMs)
    }
  })

  it('a dominated snapshot does not hide one of a lower number that names the newest targets', async () => {
    const targets = await signTargets(2, [genesis()], [net.key('targets')])
    const dominated = await signSnapshot(9, 1, net.key('snapshot'))
    const joined = [await signSnapshot(3, 2, net.key('snapshot')), await signTimestamp(3, 3, net.key('timestamp'))]
    for (const order of [
      [targets, dominated, ...joined],
      [targets, ...joined, dominated]
    ]) {
      expect(freshUntilMs(feed(net.state, order))).toBe(nowMs + 7 * dayMs)
    }
  })
})

describe('a halt hidden behind a concurrent snapshot', () => {
  it('acts at once, and makes the snapshot that leaves it out dominated', async () => {
    const governed = await testNetwork({ halt: 1, snapshot: 2, timestamp: 2 })
    const [one, other] = [0, 1].map(i => ({ s: governed.key('snapshot', i), t: governed.key('timestamp', i) }))
    const descriptor = nextDescriptor(governed.state)
    const delegations = delegationsOf({ halt: keysOf(governed).halt })
    const documents = [
      await signTargets(
        2,
        [governed.created.descriptor, descriptor],
        keysOf(governed).targets,
        later(dayMs * 99),
        delegations
      ),
      // One signer saw the halt and not the targets, the other the targets and not the halt.
      await signHalt(1, [orderAt(governed.state, 1)], keysOf(governed).halt),
      ...[await signSnapshot(2, { targets: 1, halt: 1 }, one!.s), await signTimestamp(2, 2, one!.t)],
      ...[await signSnapshot(3, { targets: 2 }, other!.s), await signTimestamp(3, 3, other!.t)]
    ]
    for (const order of [documents, documents.toReversed(), [...documents.slice(3), ...documents.slice(0, 3)]]) {
      const state = settled(governed.state, order)
      expect(haltsOf(state).get(1)?.order).toBe('halt')
      expect(freshUntilMs(state)).toBe(0)
      const join = [await signSnapshot(4, { targets: 2, halt: 1 }, one!.s), await signTimestamp(4, 4, one!.t)]
      expect(freshUntilMs(feed(state, join))).toBe(nowMs + 7 * dayMs)
    }
  })
})
