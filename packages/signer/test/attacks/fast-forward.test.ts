import { beforeAll, describe, expect, it } from 'vitest'
import { signDocument } from '../../src/authoring/bodies.js'
import {
  admissionOf,
  createKeyPair,
  documentsAhead,
  freshUntilMs,
  haltsOf,
  headsOf,
  trust,
  trustedUpgrades
} from '../../src/index.js'
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
  outcome,
  signAdmission,
  signHalt,
  signSnapshot,
  signTargets,
  signTimestamp,
  testNetwork,
  type TestNetwork
} from '../network-kit.js'

let net: TestNetwork
beforeAll(async () => {
  net = await testNetwork({ root: 3, halt: 1, admission: 1 })
})

const freshKeys = () => [createKeyPair(), createKeyPair()]
const rotate = (keys: ReturnType<typeof keysOf>) => signDocument(nextRoot(2, keys, { root: 2 }), keysOf(net).root)
const delegate = (revision: number, keys: Parameters<typeof delegationsOf>[0]) =>
  signTargets(revision, [net.created.descriptor], keysOf(net).targets, later(100 * dayMs), delegationsOf(keys))

describe('fast-forward', () => {
  it('of targets is recovered from by rotating the stolen key out', async () => {
    const stolen = net.key('targets')
    const attacked = feed(net.state, [
      await signTargets(1_000_000, [net.created.descriptor, nextDescriptor(net.state, 'evil')], [stolen])
    ])
    expect(attacked.targets?.version).toBe(1_000_000)
    const keys = { ...keysOf(net), targets: freshKeys() }
    const rotated = feed(attacked, [await rotate(keys)])
    expect(rotated.targets).toBeUndefined()
    expect(freshUntilMs(rotated)).toBe(0)
    expect(outcome(rotated, await signTargets(3, [net.created.descriptor], [stolen]))).toBe('ignore NeedsNewerTrust')

    const recovered = feed(rotated, [await signTargets(2, [net.created.descriptor], [keys.targets[0]!])])
    // The descriptor was not asked for again: it stayed, and the new authors name it.
    expect(trustedUpgrades(recovered).map(each => each.version)).toEqual([1])
    const answer = documentsAhead(recovered, headsOf(attacked))
    expect(headsOf(feed(attacked, answer))).toEqual(headsOf(recovered))
  })

  it('of a snapshot is recovered from by rotating its key, although nothing higher can ever be signed', async () => {
    const attacked = feed(net.state, [
      await signSnapshot(Number.MAX_SAFE_INTEGER, { targets: 7, admission: 1 }, net.key('snapshot')),
      await signTimestamp(2, Number.MAX_SAFE_INTEGER, net.key('timestamp'))
    ])
    expect(freshUntilMs(attacked)).toBe(0)
    const keys = { ...keysOf(net), snapshot: freshKeys() }
    const rotated = feed(attacked, [await rotate(keys)])
    expect(rotated.snapshot).toBeUndefined()
    const recovered = feed(rotated, [
      await signSnapshot(2, { targets: 1, admission: 1 }, keys.snapshot[0]!),
      await signTimestamp(3, 2, net.key('timestamp'))
    ])
    expect(freshUntilMs(recovered)).toBe(nowMs + 7 * dayMs)
    expect(headsOf(feed(attacked, documentsAhead(recovered, headsOf(attacked))))).toEqual(headsOf(recovered))
  })

  it('of a timestamp is recovered from by rotating its key', async () => {
    const attacked = feed(net.state, [
      await signTimestamp(Number.MAX_SAFE_INTEGER, Number.MAX_SAFE_INTEGER, net.key('timestamp'))
    ])
    expect(attacked.timestampAhead?.version).toBe(Number.MAX_SAFE_INTEGER)
    // What the thief signed hides no timestamp for the snapshot that is here.
    expect(freshUntilMs(feed(attacked, [await signTimestamp(2, 1, net.key('timestamp'), 9 * dayMs)]))).toBe(
      nowMs + 9 * dayMs
    )
    const keys = { ...keysOf(net), timestamp: freshKeys() }
    const rotated = feed(attacked, [await rotate(keys)])
    expect([rotated.timestamp, rotated.timestampAhead]).toEqual([undefined, undefined])
    const recovered = feed(rotated, [await signTimestamp(2, 1, keys.timestamp[0]!)])
    expect(freshUntilMs(recovered)).toBe(nowMs + 7 * dayMs)
    expect(headsOf(feed(attacked, documentsAhead(recovered, headsOf(attacked))))).toEqual(headsOf(recovered))
  })

  it('of halt is recovered from by targets that name another key', async () => {
    const stolen = keysOf(net).halt
    const evil = await signHalt(Number.MAX_SAFE_INTEGER, [orderAt(net.state, 1)], stolen)
    const attacked = feed(net.state, [
      evil,
      await signSnapshot(2, { targets: 1, admission: 1, halt: Number.MAX_SAFE_INTEGER }, net.key('snapshot'))
    ])
    expect(haltsOf(attacked).get(1)?.order).toBe('halt')
    const halt = freshKeys()
    const targets = await delegate(2, { halt, admission: keysOf(net).admission })
    const { state: rotated, facts } = trust(attacked, targets, nowMs)
    expect(facts).toContainEqual({ fact: 'resumed', version: 1 })
    expect(outcome(rotated, evil)).toBe('ignore NeedsNewerTrust')
    const recovered = feed(rotated, [
      await signHalt(1, [orderAt(net.state, 1)], [halt[0]!]),
      await signSnapshot(3, { targets: 2, admission: 1, halt: 1 }, net.key('snapshot')),
      await signTimestamp(3, 3, net.key('timestamp'))
    ])
    expect(haltsOf(recovered).get(1)?.order).toBe('halt')
    expect(freshUntilMs(recovered)).toBe(nowMs + 7 * dayMs)
    // One answer brings it, although what the peer holds has the higher number.
    const answer = documentsAhead(recovered, headsOf(attacked))
    expect(headsOf(feed(attacked, answer))).toEqual(headsOf(recovered))
  })

  it('of admission is recovered from by targets that name another key, and nobody is let in meanwhile', async () => {
    const stolen = keysOf(net).admission
    const evil = await signAdmission(Number.MAX_SAFE_INTEGER, 'open', stolen)
    const attacked = feed(net.state, [evil])
    const admission = freshKeys()
    const rotated = feed(attacked, [await delegate(2, { halt: keysOf(net).halt, admission })])
    expect(admissionOf(rotated).policy).toBe('certificate')
    expect(outcome(rotated, evil)).toBe('ignore NeedsNewerTrust')
    const recovered = feed(rotated, [await signAdmission(2, 'certificate', [admission[0]!])])
    expect(recovered.admission?.version).toBe(2)
  })

  it('tells a signature that counted before the rotation from one that still does', async () => {
    const council = await testNetwork({ targets: 3 })
    const [a, b, c] = keysOf(council).targets
    const state = feed(council.state, [await signTargets(2, [council.created.descriptor], [a!, b!, c!])])
    const smaller = { ...keysOf(council), targets: [b!, c!] }
    const rotated = feed(state, [await signDocument(nextRoot(2, smaller, { targets: 2 }), keysOf(council).root)])
    expect(rotated.targets?.signatures.map(each => each.keyId).sort()).toEqual([b!.key.keyId, c!.key.keyId].sort())
    const alone = feed(state, [
      await signDocument(
        nextRoot(2, { ...smaller, targets: [createKeyPair(), c!] }, { targets: 2 }),
        keysOf(council).root
      )
    ])
    expect(alone.targets).toBeUndefined()
  })
})
