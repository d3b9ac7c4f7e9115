import { beforeAll, describe, expect, it } from 'vitest'
import { signDocument } from '../../src/authoring/bodies.js'
import { admissionOf, freshUntilMs, haltsOf, trust, trustedUpgrades } from '../../src/index.js'
import {
  dayMs,
  delegationsOf,
  feed,
  keysOf,
  later,
  nextRoot,
  nowMs,
  orderAt,
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
  net = await testNetwork()
})

const genesis = () => net.created.descriptor

describe('freeze', () => {
  it('is visible: trust says until when it is fresh, and that replayed documents do not prolong it', () => {
    const { documents } = net.created
    const state = feed(net.state, Object.values(documents))
    expect(freshUntilMs(state)).toBe(nowMs + 7 * dayMs)
  })

  it('says that a document is expired, and hides nothing', async () => {
    const document = await signTargets(2, [genesis()], [net.key('targets')], later(-dayMs))
    const { verdict, state, facts } = trust(net.state, document, nowMs)
    expect(verdict).toMatchObject({ verdict: 'accept', value: { expired: true } })
    expect(trustedUpgrades(state)).toHaveLength(1)
    expect(facts).toContainEqual({ fact: 'freshUntil', untilMs: 0 })
  })

  it('is never fresher than the expired role', async () => {
    const state = feed(net.state, [
      await signTargets(2, [genesis()], [net.key('targets')], later(-dayMs)),
      await signSnapshot(2, 2, net.key('snapshot')),
      await signTimestamp(2, 2, net.key('timestamp'))
    ])
    expect(freshUntilMs(state)).toBe(nowMs - dayMs)
  })
})

describe('an expired role', () => {
  const roles = ['root', 'targets', 'halt', 'admission', 'snapshot', 'timestamp'] as const

  it.each(roles)('%s makes trust stale, and hides and stops nothing', async role => {
    const governed = await testNetwork({ halt: 1, admission: 1 })
    const keys = keysOf(governed)
    const until = (each: (typeof roles)[number]) => later(each === role ? -dayMs : 100 * dayMs)
    const body = { ...nextRoot(2, keys), expires: until('root') }
    const delegations = delegationsOf({ halt: keys.halt, admission: keys.admission })
    const expiry = (each: (typeof roles)[number]) => (each === role ? -dayMs : 100 * dayMs)
    const documents = [
      await signDocument(body, keys.root),
      await signTargets(2, [governed.created.descriptor], keys.targets, until('targets'), delegations),
      await signHalt(1, [orderAt(governed.state, 1)], keys.halt, until('halt')),
      await signAdmission(2, 'certificate', keys.admission, [], until('admission')),
      await signSnapshot(2, { targets: 2, halt: 1, admission: 2 }, keys.snapshot[0]!, expiry('snapshot')),
      await signTimestamp(2, 2, keys.timestamp[0]!, expiry('timestamp'))
    ]
    let state = governed.state
    for (const document of documents) {
      const result = trust(state, document, nowMs)
      expect(result.verdict.verdict).toBe('accept')
      state = result.state
    }
    expect(freshUntilMs(state)).toBe(nowMs - dayMs)
    expect(trustedUpgrades(state)).toHaveLength(1)
    expect(haltsOf(state).get(1)?.order).toBe('halt')
    expect(admissionOf(state).policy).toBe('certificate')
  })
})
