import { beforeAll, describe, expect, it } from 'vitest'
import { signDocument } from '../../src/authoring/bodies.js'
import { admissionOf, haltsOf, trust } from '../../src/index.js'
import {
  feed,
  keysOf,
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
  net = await testNetwork()
})

const genesis = () => net.created.descriptor

describe('rollback', () => {
  it('keeps the newer of each role', async () => {
    const descriptor = nextDescriptor(net.state)
    const state = feed(net.state, [
      await signTargets(2, [genesis(), descriptor], [net.key('targets')]),
      await signSnapshot(2, 2, net.key('snapshot')),
      await signTimestamp(2, 2, net.key('timestamp'))
    ])
    const { targets, snapshot, timestamp } = net.created.documents
    for (const document of [targets, snapshot, timestamp]) expect(outcome(state, document)).toBe('ignore Older')
    expect(feed(state, [targets, snapshot, timestamp])).toBe(state)
  })

  it('takes targets with a higher number that no snapshot names', async () => {
    const document = await signTargets(9, [genesis()], [net.key('targets')])
    const { verdict } = trust(net.state, document, nowMs)
    expect(verdict).toMatchObject({ verdict: 'accept', value: { role: 'targets', version: 9, as: 'trusted' } })
  })

  it.each(['halt', 'admission'] as const)(
    'keeps the newer %s, which an older one neither lifts nor opens',
    async role => {
      const governed = await testNetwork({ halt: 1, admission: 1 })
      const { halt, admission } = keysOf(governed)
      const sign = (number: number, isNew: boolean) =>
        role === 'halt'
          ? signHalt(number, [orderAt(governed.state, 1, { order: isNew ? 'halt' : 'resume' })], halt)
          : signAdmission(number, isNew ? 'certificate' : 'open', admission)
      const [older, newer] = [await sign(4, false), await sign(5, true)]
      const state = feed(governed.state, [newer])
      expect(outcome(state, older)).toBe('ignore Older')
      for (const order of [
        [older, newer],
        [newer, older]
      ]) {
        const last = feed(governed.state, order)
        expect([haltsOf(last).get(1)?.order ?? 'halt', last.admission?.version]).toEqual([
          'halt',
          role === 'halt' ? 1 : 5
        ])
        expect(role === 'halt' || admissionOf(last).policy === 'certificate').toBe(true)
      }
    }
  )

  it('of the root is impossible: the chain does not branch or go back', async () => {
    const keys = keysOf(net)
    const one = await signDocument(nextRoot(2, keys), keys.root)
    const other = await signDocument(nextRoot(2, keys, { targets: 1 }), keys.root)
    const rotated = feed(net.state, [one, await signDocument(nextRoot(3, keys), keys.root)])
    expect(rotated.roots).toHaveLength(3)
    for (const document of [net.created.documents.root, one, other]) {
      expect(trust(rotated, document, nowMs).state).toBe(rotated)
    }
  })
})
