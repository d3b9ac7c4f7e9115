import { ECDH, createPublicKey } from 'node:crypto'
import type { Json } from '@instar/core'
import { beforeAll, describe, expect, it } from 'vitest'
import { signBody, signDocument, targetsBody } from '../../src/authoring/bodies.js'
import { toKeyJson } from '../../src/keys/public-key.js'
import { canonicalBytes, canonicalHash } from '../../src/metadata/canonical.js'
import { encodeDocument } from '../../src/metadata/document.js'
import { createKeyPair, forksOf, trust, trustedUpgrades, type Signer } from '../../src/index.js'
import {
  dayMs,
  feed,
  keysOf,
  later,
  nextDescriptor,
  nextRoot,
  nowMs,
  outcome,
  signTargets,
  tamper,
  target,
  testNetwork,
  type TestNetwork
} from '../network-kit.js'

let net: TestNetwork
/** Two of three must sign. */
let council: TestNetwork
beforeAll(async () => {
  net = await testNetwork()
  council = await testNetwork({ targets: 3, root: 3 })
})

const genesis = () => net.created.descriptor
const freshKeys = () => [createKeyPair(), createKeyPair()]
/** The point in an SPKI key, in hexadecimal. */
const pointOf = (pem: string) =>
  createPublicKey(pem).export({ format: 'der', type: 'spki' }).subarray(-65).toString('hex')

describe('a threshold', () => {
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

  it('rejects one key under two ids in the delegations of targets too', async () => {
    const [key] = keysOf(net).targets
    const form = { ...(toKeyJson(key!.key) as Record<string, Json>), note: 'the same key' }
    const ids = [key!.key.keyId, canonicalHash(form)]
    const role = { name: 'halt', keyids: ids, threshold: 2, terminating: true, paths: ['halt/*'] }
    for (const twice of [{ [ids[0]!]: toKeyJson(key!.key), [ids[1]!]: form }, { [ids[0]!]: form }]) {
      const delegations = { keys: twice, roles: [role] }
      const document = await signTargets(2, [genesis()], [key!], later(dayMs), delegations)
      expect(outcome(net.state, document)).toBe('reject BadMetadata')
    }
  })

  it.each([
    ['compressed', '3039301306072a8648ce3d020106082a8648ce3d030107032200'],
    ['hybrid', '3059301306072a8648ce3d020106082a8648ce3d030107034200']
  ] as const)('rejects one ECDSA key in a second encoding, with a %s point', async (encoding, prefix) => {
    const pair = createKeyPair('ecdsa-sha2-nistp256')
    const point = ECDH.convertKey(pointOf(pair.key.public), 'prime256v1', 'hex', 'hex', encoding) as string
    const lines = Buffer.from(prefix + point, 'hex')
      .toString('base64')
      .replace(/^(.{64})/, '$1\n')
    const text = `-----BEGIN PUBLIC KEY-----\n${lines}\n-----END PUBLIC KEY-----\n`
    const form = { ...(toKeyJson(pair.key) as Record<string, Json>), keyval: { public: text } }
    expect(createPublicKey(text).export({ format: 'jwk' })).toEqual(
      createPublicKey(pair.key.public).export({ format: 'jwk' })
    )
    const keys = keysOf(net)
    const body = nextRoot(2, { ...keys, targets: [pair] }) as unknown as { keys: Record<string, Json> }
    const second = { ...body, keys: { ...body.keys, [canonicalHash(form)]: form } }
    expect(outcome(net.state, await signDocument(second, keys.root))).toBe('reject BadMetadata')
    expect(outcome(net.state, await signDocument(body, keys.root))).toBe('accept')
  })

  it('counts two signatures of one ECDSA key once: each is random, both are by one id', async () => {
    const pair = createKeyPair('ecdsa-sha2-nistp256')
    const keys = { ...keysOf(net), targets: [pair, createKeyPair()] }
    const state = feed(net.state, [await signDocument(nextRoot(2, keys, { targets: 2 }), keysOf(net).root)])
    const [one, again] = [await signTargets(2, [genesis()], [pair]), await signTargets(2, [genesis()], [pair])]
    const { signatures } = JSON.parse(Buffer.from(again).toString()) as { signatures: Json[] }
    const both = tamper(one, parsed => parsed.signatures.push(...signatures))
    expect(outcome(state, both)).toBe('reject DuplicateSignature')
    expect(outcome(feed(state, [one]), again)).toBe('ignore NeedsNewerTrust')
  })
})

describe('a new root', () => {
  it('needs the thresholds of the old root and of its own', async () => {
    const keys = { ...keysOf(council), root: freshKeys() }
    const body = nextRoot(2, keys, { root: 2 })
    const old = keysOf(council).root
    const by = async (...signers: Signer[]) => outcome(council.state, await signDocument(body, signers))
    expect(await by(old[0]!, ...keys.root)).toBe('reject ThresholdNotMet')
    expect(await by(old[0]!, old[1]!, keys.root[0]!)).toBe('reject ThresholdNotMet')
    expect(await by(...keys.root)).toBe('reject ThresholdNotMet')
    expect(await by(old[0]!, old[1]!, ...keys.root)).toBe('accept')
  })
})

describe('an unknown algorithm', () => {
  it('may be named by a role, and verifies nothing', async () => {
    const keys = keysOf(net)
    const body = nextRoot(2, keys) as unknown as { keys: object; roles: Record<string, { keyids: string[] }> }
    const future = { keytype: 'lattice', scheme: 'lattice-1', keyval: { public: 'x' } }
    const id = canonicalHash(future)
    const targets = { threshold: 1, keyids: [...body.roles['targets']!.keyids, id] }
    const root = { ...body, keys: { ...body.keys, [id]: future }, roles: { ...body.roles, targets } }
    const state = feed(net.state, [await signDocument(root, keys.root)])
    expect(state.roots).toHaveLength(2)
    expect(state.targets?.version).toBe(1)

    const both = { ...root, roles: { ...root.roles, targets: { ...targets, threshold: 2 } } }
    const strict = feed(net.state, [await signDocument(both, keys.root)])
    const document = tamper(await signTargets(2, [net.created.descriptor], [net.key('targets')]), parsed =>
      parsed.signatures.push({ keyid: id, sig: 'ab'.repeat(64) })
    )
    expect(outcome(strict, document)).toBe('ignore NeedsNewerTrust')
  })
})

describe('a hostile publisher with one key of a threshold of two', () => {
  it('publishes nothing: not alone, not with what it made of a colleague’s signature', async () => {
    const [own, colleague] = keysOf(council).targets
    const honest = nextDescriptor(council.state, 'honest')
    const evil = nextDescriptor(council.state, 'evil')
    const first = council.created.descriptor
    const signed = await signTargets(2, [first, honest], [own!, colleague!])
    const { signatures } = JSON.parse(Buffer.from(signed).toString()) as { signatures: Json[] }
    const forged = await signTargets(2, [first, evil], [own!])
    const attempts = {
      alone: forged,
      twice: tamper(forged, parsed => parsed.signatures.push(parsed.signatures[0]!)),
      copied: tamper(forged, parsed => {
        parsed.signatures = signatures
      }),
      renamed: tamper(forged, parsed => {
        const [mine] = parsed.signatures as { keyid: string; sig: string }[]
        parsed.signatures.push({ ...mine!, keyid: colleague!.key.keyId })
      }),
      rotating: await signDocument(nextRoot(2, { ...keysOf(council), targets: [own!] }), [own!])
    }
    for (const [name, document] of Object.entries(attempts)) {
      expect(trust(council.state, document, nowMs).state, name).toBe(council.state)
    }
    const state = feed(council.state, [signed, ...Object.values(attempts), evil, honest])
    expect(trustedUpgrades(state).at(-1)?.descriptorHash).toBe(target(honest).hash)
    expect(forksOf(state)).toEqual([])
  })
})
