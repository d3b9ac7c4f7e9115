import { beforeAll, describe, expect, it } from 'vitest'
import { signDocument } from '../src/authoring/bodies.js'
import type { JsonObject } from '../src/metadata/canonical.js'
import { emptyTrust, explainTrust, headsOf, trust, type Signer } from '../src/index.js'
import {
  dayMs,
  factsOf,
  feed,
  keysOf,
  nextDescriptor,
  nextRoot,
  nowMs,
  outcome,
  signTargets,
  testNetwork,
  type TestNetwork
} from './network-kit.js'

let net: TestNetwork
beforeAll(async () => {
  net = await testNetwork({ root: 3 })
})

const signRoot = (body: JsonObject, signers: readonly Signer[]) => signDocument(body, signers)

describe('the chain of roots', () => {
  it('begins with the root whose hash is the network id', () => {
    const { root, targets } = net.created.documents
    expect(outcome(emptyTrust(net.network), targets)).toBe('ignore NeedsNewerTrust')
    expect(outcome(emptyTrust(net.network), root)).toBe('accept')
    expect(outcome(net.state, root)).toBe('ignore Known')
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
