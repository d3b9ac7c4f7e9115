import { beforeAll, describe, expect, it } from 'vitest'
import { signDocument } from '../src/authoring/bodies.js'
import { canonicalHash, type JsonObject } from '../src/metadata/canonical.js'
import {
  createKeyPair,
  emptyTrust,
  explainTrust,
  freshUntilMs,
  headsOf,
  trust,
  trustedUpgrades,
  type Signer
} from '../src/index.js'
import {
  dayMs,
  factsOf,
  feed,
  keysOf,
  nextDescriptor,
  nextRoot,
  nowMs,
  outcome,
  signSnapshot,
  signTargets,
  signTimestamp,
  tamper,
  testNetwork,
  type TestNetwork
} from './network-kit.js'

let net: TestNetwork
beforeAll(async () => {
  net = await testNetwork({ root: 3 })
})

const signRoot = (body: JsonObject, signers: readonly Signer[]) => signDocument(body, signers)
const freshKeys = () => [createKeyPair(), createKeyPair()]

describe('the chain of roots', () => {
  it('begins with the root whose hash is the network id', () => {
    const { root, targets } = net.created.documents
    expect(outcome(emptyTrust(net.network), targets)).toBe('ignore NeedsNewerTrust')
    expect(outcome(emptyTrust(net.network), root)).toBe('accept')
    expect(outcome(net.state, root)).toBe('ignore Known')
  })

  it('rotates by the thresholds of the old root and of the new one', async () => {
    const keys = { ...keysOf(net), root: freshKeys() }
    const body = nextRoot(2, keys, { root: 2 })
    const old = keysOf(net).root
    const by = async (...signers: Signer[]) => outcome(net.state, await signRoot(body, signers))
    expect(await by(old[0]!, ...keys.root)).toBe('reject ThresholdNotMet')
    expect(await by(old[0]!, old[1]!, keys.root[0]!)).toBe('reject ThresholdNotMet')
    expect(await by(...keys.root)).toBe('reject ThresholdNotMet')
    expect(await by(old[0]!, old[1]!, ...keys.root)).toBe('accept')
  })

  it('says that it rotated, and keeps what still verifies', async () => {
    const document = await signRoot(nextRoot(2, keysOf(net), { root: 2 }), keysOf(net).root)
    const { state, facts } = trust(net.state, document, nowMs)
    expect(facts).toEqual([{ fact: 'rootRotated', version: 2 }])
    expect(headsOf(state)).toMatchObject({
      root: { version: 2 },
      targets: { version: 1 },
      timestamp: { version: 1 },
      descriptors: 1
    })
  })

  it('ignores a root that skips one until the one between is here', async () => {
    const keys = keysOf(net)
    const second = await signRoot(nextRoot(2, keys, { root: 2 }), keys.root)
    const third = await signRoot(nextRoot(3, keys, { root: 2 }), keys.root)
    expect(outcome(net.state, third)).toBe('ignore NeedsNewerTrust')
    expect(feed(net.state, [second, third]).roots).toHaveLength(3)
  })

  it('does not branch', async () => {
    const keys = keysOf(net)
    const one = await signRoot(nextRoot(2, keys, { root: 2 }), keys.root)
    const other = await signRoot(nextRoot(2, keys, { root: 1 }), keys.root)
    expect(outcome(feed(net.state, [one]), other)).toBe('ignore OtherRoot')
  })

  it('rejects a root that nobody could follow: a threshold above its keys, a key that is not there, a role that is missing', async () => {
    const keys = keysOf(net)
    const good = nextRoot(2, keys) as unknown as { keys: object; roles: Record<string, object> }
    const { timestamp: _, ...roles } = good.roles
    const bad = [
      nextRoot(2, keys, { targets: 2 }),
      { ...good, roles: { ...good.roles, targets: { keyids: ['ab'.repeat(32)], threshold: 1 } } },
      { ...good, roles }
    ]
    for (const body of bad)
      expect(outcome(net.state, await signRoot(body as JsonObject, keys.root))).toBe('reject BadMetadata')
  })

  it('lets a role name keys of an algorithm that is unknown here: they verify nothing', async () => {
    const keys = keysOf(net)
    const body = nextRoot(2, keys) as unknown as { keys: object; roles: Record<string, { keyids: string[] }> }
    const future = { keytype: 'lattice', scheme: 'lattice-1', keyval: { public: 'x' } }
    const id = canonicalHash(future)
    const targets = { threshold: 1, keyids: [...body.roles['targets']!.keyids, id] }
    const root = { ...body, keys: { ...body.keys, [id]: future }, roles: { ...body.roles, targets } }
    const state = feed(net.state, [await signRoot(root, keys.root)])
    expect(state.roots).toHaveLength(2)
    expect(state.targets?.version).toBe(1)

    const both = { ...root, roles: { ...root.roles, targets: { ...targets, threshold: 2 } } }
    const strict = feed(net.state, [await signRoot(both, keys.root)])
    const document = tamper(await signTargets(2, [net.created.descriptor], [net.key('targets')]), parsed =>
      parsed.signatures.push({ keyid: id, sig: 'ab'.repeat(64) })
    )
    expect(outcome(strict, document)).toBe('ignore NeedsNewerTrust')
  })
})

describe('fast-forward', () => {
  it('is recovered from by rotating the stolen key out', async () => {
    const stolen = net.key('targets')
    const attacked = feed(net.state, [
      await signTargets(1_000_000, [net.created.descriptor, nextDescriptor(net.state, 'evil')], [stolen])
    ])
    expect(attacked.targets?.version).toBe(1_000_000)
    const keys = { ...keysOf(net), targets: freshKeys() }
    const rotated = feed(attacked, [await signRoot(nextRoot(2, keys, { root: 2 }), keysOf(net).root)])
    expect(rotated.targets).toBeUndefined()
    expect(freshUntilMs(rotated)).toBe(0)
    expect(outcome(rotated, await signTargets(3, [net.created.descriptor], [stolen]))).toBe('ignore NeedsNewerTrust')

    const recovered = feed(rotated, [await signTargets(2, [net.created.descriptor], [keys.targets[0]!])])
    // The descriptor was not asked for again: it stayed, and the new authors name it.
    expect(trustedUpgrades(recovered).map(each => each.version)).toEqual([1])
  })

  it('of timestamp and snapshot is recovered from in the same way', async () => {
    const attacked = feed(net.state, [
      await signSnapshot(2 ** 40, 7, net.key('snapshot')),
      await signTimestamp(2 ** 40, 2 ** 40, net.key('timestamp'))
    ])
    expect(freshUntilMs(attacked)).toBe(0)
    const keys = { ...keysOf(net), snapshot: freshKeys(), timestamp: freshKeys() }
    const rotated = feed(attacked, [
      await signRoot(nextRoot(2, keys, { root: 2 }), keysOf(net).root),
      await signSnapshot(2, 1, keys.snapshot[0]!),
      await signTimestamp(2, 2, keys.timestamp[0]!)
    ])
    expect(freshUntilMs(rotated)).toBe(nowMs + 7 * dayMs)
  })

  it('tells a signature that counted before the rotation from one that still does', async () => {
    const council = await testNetwork({ targets: 3 })
    const [a, b, c] = keysOf(council).targets
    const state = feed(council.state, [await signTargets(2, [council.created.descriptor], [a!, b!, c!])])
    const smaller = { ...keysOf(council), targets: [b!, c!] }
    const rotated = feed(state, [await signRoot(nextRoot(2, smaller, { targets: 2 }), keysOf(council).root)])
    expect(rotated.targets?.signatures.map(each => each.keyId).sort()).toEqual([b!.key.keyId, c!.key.keyId].sort())
    const alone = feed(state, [
      await signRoot(nextRoot(2, { ...smaller, targets: [createKeyPair(), c!] }, { targets: 2 }), keysOf(council).root)
    ])
    expect(alone.targets).toBeUndefined()
  })
})

it('explains what is trusted in words', async () => {
  const two = [await signTargets(2, [net.created.descriptor, nextDescriptor(net.state, 'one')], [net.key('targets')])]
  two.push(await signTargets(2, [net.created.descriptor, nextDescriptor(net.state, 'two')], [net.key('targets')]))
  const text = explainTrust(feed(net.state, two), nowMs).join('\n')
  expect(text).toContain(`network ${net.network}`)
  expect(text).toContain('root: 2 of 3 keys')
  expect(text).toContain('version 1 "a set"')
  expect(text).toMatch(
    /version 2 is FORKED: [0-9a-f]{8} in revision 2 signed by [0-9a-f]{8}; [0-9a-f]{8} in revision 2/
  )
  expect(explainTrust(net.state, nowMs + 8 * dayMs).join('\n')).toContain('STALE since 2030-01-08T00:00:00Z')
  expect(explainTrust(emptyTrust(net.network), nowMs)).toContain('nothing is trusted yet: root 1 has not arrived')
  expect(factsOf(net.state, two[0]!)).toContainEqual({ fact: 'freshUntil', untilMs: 0 })
})
