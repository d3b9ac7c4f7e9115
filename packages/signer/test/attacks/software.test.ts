import { encodeDescriptor, type Json } from '@instar/core'
import { beforeAll, describe, expect, it } from 'vitest'
import { delegatedBody, signDocument, snapshotBody, targetsBody } from '../../src/authoring/bodies.js'
import type { JsonObject } from '../../src/metadata/canonical.js'
import { haltPath } from '../../src/metadata/halt.js'
import {
  createKeyPair,
  documentsOf,
  emptyTrust,
  freshUntilMs,
  nextPlace,
  restoreTrust,
  trust,
  trustedUpgrades
} from '../../src/index.js'
import {
  dayMs,
  delegationsOf,
  descriptorAt,
  feed,
  later,
  nextDescriptor,
  nowMs,
  orderAt,
  outcome,
  signHalt,
  signTargets,
  signTimestamp,
  tamper,
  target,
  testNetwork,
  type TestNetwork
} from '../network-kit.js'

let net: TestNetwork
beforeAll(async () => {
  net = await testNetwork()
})

const genesis = () => net.created.descriptor

describe('arbitrary software', () => {
  it('ignores a document that a stranger signed, because newer trust might know the key', async () => {
    const document = await signTargets(2, [genesis(), nextDescriptor(net.state)], [createKeyPair()])
    expect(outcome(net.state, document)).toBe('ignore NeedsNewerTrust')
  })

  it('rejects a document that a stranger signed in the name of an author', async () => {
    const document = await signTargets(2, [genesis()], [createKeyPair()])
    const forged = tamper(document, parsed => {
      ;(parsed.signatures[0] as { keyid: Json }).keyid = net.key('targets').key.keyId
    })
    expect(outcome(net.state, forged)).toBe('reject BadSignature')
  })

  it('rejects a document without signatures', async () => {
    const document = await signTargets(2, [genesis()], [])
    expect(outcome(net.state, document)).toBe('reject Unsigned')
  })

  it('ignores an online key that signs targets', async () => {
    const document = await signTargets(2, [genesis()], [net.key('timestamp')])
    expect(outcome(net.state, document)).toBe('ignore NeedsNewerTrust')
  })

  it('rejects a signed document with one bit altered, at every byte', async () => {
    const document = await signTimestamp(2, 1, net.key('timestamp'))
    for (let i = 0; i < document.byteLength; i++) {
      const altered = document.slice()
      altered[i]! ^= 1
      const result = trust(net.state, altered, nowMs)
      expect(result.verdict.verdict, `byte ${i}`).not.toBe('accept')
      expect(result.state).toBe(net.state)
    }
  })

  it('ignores a descriptor that no targets name', () => {
    expect(outcome(net.state, nextDescriptor(net.state))).toBe('ignore NeedsNewerTrust')
  })

  it('rejects a descriptor of another network', () => {
    const place = { network: 'ab'.repeat(32), version: 1, previous: 'ab'.repeat(32) }
    expect(outcome(net.state, encodeDescriptor(descriptorAt(place)))).toBe('reject WrongNetwork')
  })

  it('ignores a named descriptor that follows another chain', async () => {
    const descriptor = encodeDescriptor(descriptorAt({ ...nextPlace(net.state), previous: 'cd'.repeat(32) }))
    const state = feed(net.state, [await signTargets(2, [genesis(), descriptor], [net.key('targets')])])
    expect(outcome(state, descriptor)).toBe('ignore WrongPredecessor')
  })

  it('does not trust a version that skips one', async () => {
    const place = { ...nextPlace(net.state), version: 3 }
    const descriptor = encodeDescriptor(descriptorAt(place))
    const state = feed(net.state, [await signTargets(2, [genesis(), undefined, descriptor], [net.key('targets')])])
    expect(outcome(state, descriptor)).toBe('ignore NeedsNewerTrust')
    expect(trustedUpgrades(state).map(each => each.version)).toEqual([1])
  })

  it('ignores a halt that an author or an online key signed: only the delegated keys have that role', async () => {
    const governed = await testNetwork({ halt: 1 })
    for (const role of ['targets', 'timestamp', 'root'] as const) {
      const document = await signHalt(1, [orderAt(governed.state, 1)], [governed.key(role)])
      expect(outcome(governed.state, document)).toBe('ignore NeedsNewerTrust')
    }
  })

  it('never takes a document of one role for one of another, although both are TUF targets', async () => {
    // One key holds both roles: only the signed body tells them apart.
    const keys = [createKeyPair()]
    const delegations = delegationsOf({ halt: keys, admission: keys })
    const state = feed(net.state, [await signTargets(2, [genesis()], [net.key('targets')], later(dayMs), delegations)])
    const halt = await signHalt(1, [orderAt(state, 1)], keys)
    const relabelled = tamper(halt, parsed => (parsed.signed['instar'] = { role: 'admission' }))
    expect(outcome(state, relabelled)).toBe('reject BadSignature')
    const unlabelled = tamper(halt, parsed => delete parsed.signed['instar'])
    expect(outcome(state, unlabelled)).toBe('ignore NeedsNewerTrust')
    expect(outcome(state, halt)).toBe('accept')
  })
})

describe('wrong length or hash', () => {
  it('ignores a named descriptor whose length is not the signed one', async () => {
    const descriptor = nextDescriptor(net.state)
    const entries = [
      [1, target(genesis())],
      [2, { ...target(descriptor), byteLength: descriptor.byteLength + 1 }]
    ] as const
    const state = feed(net.state, [await signDocument(targetsBody(2, entries, later(dayMs)), [net.key('targets')])])
    expect(outcome(state, descriptor)).toBe('ignore WrongLength')
  })

  it('keeps a version whose length a later revision gives wrongly, at peers that run and at those that start anew', async () => {
    const entries = [[1, { ...target(genesis()), byteLength: genesis().byteLength + 1 }]] as const
    const later2 = await signDocument(targetsBody(2, entries, later(dayMs)), [net.key('targets')])
    const running = feed(net.state, [later2])
    const stored = documentsOf(running).map(({ bytes }) => bytes)
    const again = restoreTrust(net.network, stored)
    const late = feed(emptyTrust(net.network), [...stored].reverse().concat(stored))
    for (const state of [running, again, late]) expect(trustedUpgrades(state).map(each => each.version)).toEqual([1])
  })

  it('ignores a descriptor with another hash than the one that is named', async () => {
    const [named, other] = [nextDescriptor(net.state, 'named'), nextDescriptor(net.state, 'other')]
    const state = feed(net.state, [await signTargets(2, [genesis(), named], [net.key('targets')])])
    expect(outcome(state, other)).toBe('ignore NeedsNewerTrust')
    expect(outcome(state, named)).toBe('accept')
  })

  it.each([{ hashes: { sha256: 'ab'.repeat(32) } }, { length: 9 }])(
    'is not fresh by a snapshot that names the targets with another %o',
    async more => {
      const meta = { 'targets.json': { version: 1, ...more } }
      const body = { ...snapshotBody(2, { targets: 1 }, later(dayMs)), meta }
      const state = feed(net.state, [
        await signDocument(body, [net.key('snapshot')]),
        await signTimestamp(2, 2, net.key('timestamp'))
      ])
      expect(state.snapshot?.version).toBe(2)
      expect(freshUntilMs(state)).toBe(0)
    }
  )

  it.each([{ length: 9 }, { hashes: { sha256: 'ab'.repeat(32) } }])(
    'rejects a halt whose target has another %o than what it says',
    async more => {
      const keys = [createKeyPair()]
      const delegations = delegationsOf({ halt: keys })
      const state = feed(net.state, [
        await signTargets(2, [genesis()], [net.key('targets')], later(dayMs), delegations)
      ])
      const order = { ...orderAt(state, 1) }
      const body = delegatedBody('halt', 1, [[haltPath(1), order]], later(dayMs)) as { targets: JsonObject }
      const targets = { [haltPath(1)]: { ...(body.targets[haltPath(1)] as JsonObject), ...more } }
      expect(outcome(state, await signDocument({ ...body, targets }, keys))).toBe('reject BadMetadata')
    }
  )
})
