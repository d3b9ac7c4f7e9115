import { encodeDescriptor, type Json } from '@instar/core'
import { beforeAll, describe, expect, it } from 'vitest'
import { signBody, signDocument, targetsBody } from '../src/authoring/bodies.js'
import { canonicalBytes, canonicalHash } from '../src/metadata/canonical.js'
import { encodeDocument } from '../src/metadata/document.js'
import {
  createKeyPair,
  documentsOf,
  emptyTrust,
  forksOf,
  freshUntilMs,
  nextPlace,
  restoreTrust,
  trust,
  trustedUpgrades
} from '../src/index.js'
import {
  dayMs,
  descriptorAt,
  factsOf,
  feed,
  keysOf,
  later,
  nextDescriptor,
  nextRoot,
  nowMs,
  outcome,
  signSnapshot,
  signTargets,
  signTimestamp,
  tamper,
  target,
  testNetwork,
  type TestNetwork
} from './network-kit.js'

let net: TestNetwork
/** Two of three authors must sign. */
let council: TestNetwork

beforeAll(async () => {
  net = await testNetwork()
  council = await testNetwork({ targets: 3, root: 3 })
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

  it('ignores a named descriptor whose length is not the signed one', async () => {
    const descriptor = nextDescriptor(net.state)
    const entries = [
      [1, target(genesis())],
      [2, { ...target(descriptor), byteLength: descriptor.byteLength + 1 }]
    ] as const
    const state = feed(net.state, [await signDocument(targetsBody(2, entries, later(dayMs)), [net.key('targets')])])
    expect(outcome(state, descriptor)).toBe('ignore WrongLength')
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
})

describe('threshold', () => {
  it('ignores targets below the threshold, and takes them at it', async () => {
    const one = await signTargets(2, [council.created.descriptor], [council.key('targets', 0)])
    const two = await signTargets(
      2,
      [council.created.descriptor],
      [council.key('targets', 0), council.key('targets', 2)]
    )
    expect(outcome(council.state, one)).toBe('ignore NeedsNewerTrust')
    expect(outcome(council.state, two)).toBe('accept')
  })

  it('rejects one signature that is given twice', async () => {
    const document = await signTargets(2, [council.created.descriptor], [council.key('targets')])
    const doubled = tamper(document, parsed => parsed.signatures.push(parsed.signatures[0]!))
    expect(outcome(council.state, doubled)).toBe('reject DuplicateSignature')
  })

  it('rejects one key under two ids', async () => {
    const keys = keysOf(net)
    const body = nextRoot(2, keys) as unknown as { keys: Record<string, Json> }
    const [id] = Object.keys(body.keys)
    const second = { ...body, keys: { ...body.keys, ['ef'.repeat(32)]: body.keys[id!]! } }
    expect(outcome(net.state, await signDocument(second, keys.root))).toBe('reject BadMetadata')
  })

  it('rejects one key in two forms', async () => {
    const keys = keysOf(net)
    const body = nextRoot(2, keys) as unknown as { keys: Record<string, Record<string, Json>> }
    const [id] = Object.keys(body.keys)
    const form = { ...body.keys[id!], note: 'the same key' }
    const second = { ...body, keys: { ...body.keys, [canonicalHash(form)]: form } }
    expect(outcome(net.state, await signDocument(second, keys.root))).toBe('reject BadMetadata')
  })

  it('rejects a role that names one key twice', async () => {
    const keys = keysOf(net)
    const twice = [keys.targets[0]!, keys.targets[0]!]
    const document = await signDocument(nextRoot(2, { ...keys, targets: twice }, { targets: 2 }), keys.root)
    expect(outcome(net.state, document)).toBe('reject BadMetadata')
  })

  it('rejects more than 16 signatures before it verifies one', async () => {
    const strangers = Array.from({ length: 17 }, createKeyPair)
    expect(outcome(net.state, await signTargets(2, [genesis()], strangers))).toBe('reject TooManySignatures')
  })

  it('takes other signatures over one body as the same document, and keeps them all', async () => {
    const authors = [0, 1, 2].map(i => council.key('targets', i))
    const body = canonicalBytes(targetsBody(2, [[1, target(council.created.descriptor)]], later(dayMs)))
    const [a, b, c] = await Promise.all(authors.map(author => signBody(body, author)))
    const one = feed(council.state, [encodeDocument(body, [a!, b!]), encodeDocument(body, [b!, c!])])
    const other = feed(council.state, [encodeDocument(body, [b!, c!]), encodeDocument(body, [a!, b!])])
    expect(one.targets?.signatures).toHaveLength(3)
    expect(one.targets?.hash).toBe(other.targets?.hash)
    expect(one.witnesses).toEqual([])
  })
})

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
})

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

  it('counts the latest expiry of two timestamps with one number', async () => {
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

describe('equivocating authors', () => {
  it('keeps both of two descriptors that one revision number names, and freezes the version', async () => {
    const [one, two] = [nextDescriptor(net.state, 'one'), nextDescriptor(net.state, 'two')]
    const first = await signTargets(2, [genesis(), one], [net.key('targets')])
    const second = await signTargets(2, [genesis(), two], [net.key('targets')])
    const state = feed(net.state, [first, one])
    const { verdict, facts } = trust(state, second, nowMs)
    const hashes = [target(one).hash, target(two).hash].sort()
    expect(verdict.verdict).toBe('accept')
    expect(facts).toContainEqual({ fact: 'forked', version: 2, hashes })
    for (const order of [
      [first, second],
      [second, first]
    ]) {
      const both = feed(net.state, order)
      expect(forksOf(both)).toMatchObject([{ version: 2, hashes }])
      expect(both.witnesses).toHaveLength(1)
    }
  })

  it('keeps two bodies of one number as evidence also where they name the same', async () => {
    const one = await signTargets(2, [genesis()], [net.key('targets')], later(dayMs))
    const two = await signTargets(2, [genesis()], [net.key('targets')], later(2 * dayMs))
    const state = feed(net.state, [two])
    expect(trust(state, one, nowMs)).toMatchObject({ verdict: { value: { as: 'evidence' } }, facts: [] })
    expect(feed(state, [one]).witnesses).toHaveLength(1)
    expect(feed(state, [one, await signTargets(3, [genesis()], [net.key('targets')])]).witnesses).toEqual([])
  })

  it('goes on naming what it saw first, frozen', async () => {
    const [one, two] = [nextDescriptor(net.state, 'one'), nextDescriptor(net.state, 'two')]
    const first = await signTargets(2, [genesis(), one], [net.key('targets')])
    const second = await signTargets(3, [genesis(), two], [net.key('targets')])
    const state = feed(net.state, [first, one, second, two])
    expect(trustedUpgrades(state).at(-1)).toMatchObject({ version: 2, descriptorHash: target(one).hash, forked: true })
    expect(outcome(state, two)).toBe('ignore Forked')
    const restored = restoreTrust(
      net.network,
      documentsOf(state).map(each => each.bytes)
    )
    expect(restored.named).toEqual(state.named)
  })

  it('a later revision that replaces an entry is evidence against its signers, not news', async () => {
    const other = encodeDescriptor(
      descriptorAt({ network: net.network, version: 1, previous: net.network }, 'replaced')
    )
    const document = await signTargets(2, [other], [net.key('targets')])
    expect(factsOf(net.state, document)).toContainEqual(expect.objectContaining({ fact: 'forked', version: 1 }))
    const state = feed(net.state, [document, other])
    expect(trustedUpgrades(state)).toMatchObject([{ version: 1, descriptorHash: target(genesis()).hash, forked: true }])
  })

  it('a later revision that drops an entry takes nothing away', async () => {
    const descriptor = nextDescriptor(net.state)
    const state = feed(net.state, [
      await signTargets(2, [genesis(), descriptor], [net.key('targets')]),
      descriptor,
      await signTargets(3, [genesis()], [net.key('targets')])
    ])
    expect(trustedUpgrades(state).map(each => each.version)).toEqual([1, 2])
    expect(forksOf(state)).toEqual([])
  })

  it('keeps a bounded number of proofs', async () => {
    let state = net.state
    for (let i = 0; i < 40; i++) {
      state = feed(state, [
        await signTargets(2, [genesis(), nextDescriptor(net.state, `try ${i}`)], [net.key('targets')])
      ])
    }
    expect(state.witnesses.length).toBeLessThanOrEqual(8)
    expect(forksOf(state)).toHaveLength(1)
  })
})

describe('malformed metadata with good signatures', () => {
  // With JSON's own escapes around the canonical form, which has none for these characters.
  const sign = async (change: (body: Record<string, Json>) => void) => {
    const signed = structuredClone(targetsBody(2, [[1, target(genesis())]], later(dayMs))) as Record<string, Json>
    change(signed)
    const { keyId, sig } = await signBody(canonicalBytes(signed), net.key('targets'))
    return Buffer.from(JSON.stringify({ signatures: [{ keyid: keyId, sig }], signed }))
  }
  const entry = (body: Record<string, Json>) => (body['targets'] as Record<string, Record<string, Json>>)['upgrades/1']!

  it.each<[string, (body: Record<string, Json>) => void, string]>([
    ['two digests', body => (entry(body)['hashes'] = { sha256: 'ab'.repeat(32), sha512: 'ab' }), 'BadMetadata'],
    ['no sha-256', body => (entry(body)['hashes'] = { sha512: 'ab' }), 'BadMetadata'],
    ['a length beyond what is fetched', body => (entry(body)['length'] = 65 * 1024), 'BadMetadata'],
    ['custom data', body => (entry(body)['custom'] = { x: 1 }), 'BadMetadata'],
    [
      'a padded version',
      body => ((body['targets'] as Record<string, Json>)['upgrades/01'] = entry(body)),
      'BadMetadata'
    ],
    [
      'a path behind a version',
      body => ((body['targets'] as Record<string, Json>)['upgrades/1/../2'] = entry(body)),
      'BadMetadata'
    ],
    ['no targets', body => delete body['targets'], 'BadMetadata'],
    ['another specification', body => (body['spec_version'] = '2.0.0'), 'NotATrustDocument'],
    ['an expiry of another form', body => (body['expires'] = '2031-01-01'), 'NotATrustDocument'],
    ['an unsafe integer', body => (body['version'] = 2 ** 53), 'NotATrustDocument'],
    ['an unsafe integer inside', body => (entry(body)['length'] = 1e300), 'NotCanonical'],
    ['a control character', body => (body['note'] = 'a\nb'), 'NotCanonical'],
    ['half a surrogate pair', body => (body['note'] = '\ud800'), 'NotCanonical']
  ])('rejects %s', async (_name, change, code) => {
    expect(outcome(net.state, await sign(change))).toBe(`reject ${code}`)
  })

  it('cannot be reached through a prototype', async () => {
    const forged = tamper(net.created.documents.timestamp, parsed => delete parsed.signed['version'])
    const polluted = Buffer.from(forged.toString().replace('"signed":{', '"signed":{"__proto__":{"version":2},'))
    expect(outcome(net.state, polluted)).toBe('reject NotATrustDocument')
  })
})

describe('endless data', () => {
  /** Processor time of one judgement, over many: other work on the machine does not count, nor how coarse its clock is. */
  const costMs = (document: Uint8Array) => {
    const judge = (times: number) => {
      for (let i = 0; i < times; i++) expect(trust(net.state, document, nowMs).verdict.verdict).not.toBe('accept')
    }
    judge(10)
    const before = process.threadCpuUsage()
    judge(40)
    const { user, system } = process.threadCpuUsage(before)
    return (user + system) / 40_000
  }
  const forge = (signed: string, keyId = net.key('targets').key.keyId) =>
    Buffer.from(`{"signatures":[{"keyid":"${keyId}","sig":"${'ab'.repeat(64)}"}],"signed":${signed}}`)
  const frame = (targets: string, role = 'targets') =>
    `{"_type":"${role}","expires":"2031-01-01T00:00:00Z","spec_version":"1.0.31","targets":{${targets}},"version":7}`
  const entries = (count: number) =>
    Array.from(
      { length: count },
      (_, i) => `"upgrades/${i + 1}":{"hashes":{"sha256":"${'ab'.repeat(32)}"},"length":9}`
    ).join()

  it('refuses what is too large for its role', () => {
    expect(outcome(net.state, new Uint8Array(256 * 1024 + 1).fill(0x20))).toBe('reject TooLarge')
    expect(outcome(net.state, forge(frame(entries(200), 'timestamp')))).toBe('reject TooLarge')
    expect(outcome(net.state, forge(frame(entries(700), 'root')))).toBe('reject TooLarge')
  })

  it('refuses deep nesting and many keys by the scan', () => {
    expect(outcome(net.state, Buffer.from('['.repeat(60_000)))).toBe('reject TooDeep')
    expect(outcome(net.state, Buffer.from(`[${'0,'.repeat(60_000)}0]`))).toBe('reject TooManyItems')
    expect(costMs(Buffer.from('['.repeat(60_000)))).toBeLessThan(5)
    expect(costMs(Buffer.from(`{${'"":0,'.repeat(10_000)}"":0}`))).toBeLessThan(5)
  })

  it('spends less than 5 ms on a forged document of 64 KiB', () => {
    const forged = forge(frame(entries(560)))
    expect(forged.byteLength).toBeGreaterThan(60_000)
    expect(outcome(net.state, forged)).toBe('reject BadSignature')
    expect(costMs(forged)).toBeLessThan(5)
    expect(costMs(forge(frame(entries(560)), 'cd'.repeat(32)))).toBeLessThan(5)
  })

  it('stays linear: four times the size is far from sixteen times the cost', () => {
    const [small, large] = [costMs(forge(frame(entries(550)))), costMs(forge(frame(entries(2200))))]
    expect(large).toBeLessThan(10 * small)
  })
})
