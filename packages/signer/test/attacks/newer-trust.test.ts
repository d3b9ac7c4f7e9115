import { beforeAll, describe, expect, it } from 'vitest'
import { signDocument } from '../../src/authoring/bodies.js'
import { createKeyPair, emptyTrust, freshUntilMs, haltsOf } from '../../src/index.js'
import {
  dayMs,
  delegationsOf,
  keysOf,
  later,
  nextRoot,
  nowMs,
  orderAt,
  outcome,
  settled,
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
  net = await testNetwork({ halt: 1, admission: 1 })
})

describe('a document of newer trust, at a peer with older trust', () => {
  it('is ignored and asked again, never rejected, whatever its role', async () => {
    const keys = {
      root: [createKeyPair()],
      targets: [createKeyPair()],
      snapshot: [createKeyPair()],
      timestamp: [createKeyPair()],
      halt: [createKeyPair()],
      admission: [createKeyPair()]
    }
    const old = keysOf(net)
    const delegations = delegationsOf({ halt: keys.halt, admission: keys.admission })
    const second = await signDocument(nextRoot(2, keys), [...old.root, ...keys.root])
    const documents = [
      await signDocument(nextRoot(3, keys), keys.root),
      await signTargets(2, [net.created.descriptor], keys.targets, later(100 * dayMs), delegations),
      await signHalt(1, [orderAt(net.state, 1)], keys.halt),
      await signAdmission(2, 'open', keys.admission),
      await signSnapshot(2, { targets: 2, halt: 1, admission: 2 }, keys.snapshot[0]!),
      await signTimestamp(2, 2, keys.timestamp[0]!)
    ]
    for (const document of documents) expect(outcome(net.state, document)).toBe('ignore NeedsNewerTrust')
    const state = settled(net.state, [...documents, second])
    expect(state.roots).toHaveLength(3)
    expect(freshUntilMs(state)).toBe(nowMs + 7 * dayMs)
    expect(haltsOf(state).get(1)?.order).toBe('halt')
  })

  it('is ignored before anything is known at all', async () => {
    const { root, ...others } = net.created.documents
    for (const document of [...Object.values(others), net.created.descriptor]) {
      expect(outcome(emptyTrust(net.network), document)).toBe('ignore NeedsNewerTrust')
    }
    expect(outcome(emptyTrust(net.network), root)).toBe('accept')
  })
})
