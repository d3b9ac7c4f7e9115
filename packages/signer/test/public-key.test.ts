import { createPublicKey, generateKeyPairSync } from 'node:crypto'
import type { Json } from '@instar/core'
import { describe, expect, it } from 'vitest'
import { canonicalHash, type JsonObject } from '../src/metadata/canonical.js'
import { createPublicKeyOf, publicKeyOf, readKeyJson, toKeyJson, verifies } from '../src/keys/public-key.js'
import { createKeyPair, schemes } from '../src/index.js'

const bytes = Buffer.from('what is signed')
const read = (json: Json) => readKeyJson(canonicalHash(json), json)

describe.each(schemes)('a key for %s', scheme => {
  it('reads back from metadata as it was written', () => {
    const { key } = createKeyPair(scheme)
    expect(read(toKeyJson(key))).toEqual(key)
  })

  it('verifies what its private half signed, and nothing else', async () => {
    const pair = createKeyPair(scheme)
    const sig = Buffer.from(await pair.sign(bytes)).toString('hex')
    expect(verifies(pair.key, bytes, sig)).toBe(true)
    expect(verifies(pair.key, Buffer.from('other'), sig)).toBe(false)
    expect(verifies(createKeyPair(scheme).key, bytes, sig)).toBe(false)
    for (const other of [sig.toUpperCase(), `${sig}00`, `${sig}zz`, sig.slice(2), ''])
      expect(verifies(pair.key, bytes, other)).toBe(false)
  })

  it('under another id, or with a word more, is refused', () => {
    const json = toKeyJson(createKeyPair(scheme).key)
    expect(() => readKeyJson('0'.repeat(64), json)).toThrow(TypeError)
    expect(() => read({ ...json, note: 'mine' })).toThrow(TypeError)
    expect(() => read({ ...json, keyval: {} })).toThrow(TypeError)
  })
})

describe('one key has one id', () => {
  const { publicKey } = generateKeyPairSync('ec', { namedCurve: 'prime256v1' })
  const key = publicKeyOf(publicKey)
  const der = publicKey.export({ format: 'der', type: 'spki' })
  const lines = (bytes: Buffer) => bytes.toString('base64').replace(/(.{64})/g, '$1\n')
  const pemOf = (bytes: Buffer) => `-----BEGIN PUBLIC KEY-----\n${lines(bytes)}\n-----END PUBLIC KEY-----\n`
  const point = der.subarray(-64)
  const compressed = Buffer.concat([
    Buffer.from('3039301306072a8648ce3d020106082a8648ce3d030107032200', 'hex'),
    Buffer.from([2 + (point[63]! & 1)]),
    point.subarray(0, 32)
  ])

  it('which is what OpenSSL writes', () => {
    expect(key.public).toBe(publicKey.export({ format: 'pem', type: 'spki' }))
    expect(pemOf(der)).toBe(key.public)
  })

  it('and the same for a compressed point that is imported', () => {
    expect(publicKeyOf(createPublicKey(pemOf(compressed)))).toEqual(key)
  })

  it.each([
    ['a compressed point', pemOf(compressed)],
    ['no last line end', key.public.slice(0, -1)],
    ['one line end more', `${key.public}\n`],
    ['lines of Windows', key.public.replaceAll('\n', '\r\n')],
    ['spaces', key.public.replace('\n', ' \n')],
    ['a header', key.public.replace('\n', '\nProc-Type: 4\n')],
    ['one long line', key.public.replace(/(.{64})\n/, '$1')],
    [
      'bits that decode to nothing',
      key.public.replace(/.==/, text => `${'ABCDEFGH'.includes(text[0]!) ? 'h' : 'B'}==`)
    ],
    ['hexadecimal', der.subarray(-65).toString('hex')]
  ])('not with %s', (_, text) => {
    expect(text).not.toBe(key.public)
    const json = { keytype: 'ecdsa', scheme: 'ecdsa-sha2-nistp256', keyval: { public: text } }
    expect(() => read(json)).toThrow('one form')
  })

  it.each([
    ['its bytes in capitals', (hex: string) => hex.toUpperCase()],
    ['a digit less', (hex: string) => hex.slice(1)],
    ['y beyond the prime', () => `f0${'ff'.repeat(30)}7f`]
  ])('not an Ed25519 key with %s', (_, change) => {
    const json = toKeyJson(createKeyPair().key) as { keyval: JsonObject & { public: string } } & JsonObject
    expect(() => read({ ...json, keyval: { public: change(json.keyval.public) } })).toThrow('one form')
  })

  it('and another type or algorithm verifies nothing', () => {
    const { public: text } = key
    expect(read({ keytype: 'ecdsa-sha2-nistp256', scheme: 'ecdsa-sha2-nistp256', keyval: { public: text } })).toBe(
      undefined
    )
    expect(read({ keytype: 'rsa', scheme: 'rsassa-pss-sha256', keyval: { public: text } })).toBe(undefined)
  })
})

it.each([
  '0100000000000000000000000000000000000000000000000000000000000000',
  'ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f',
  '0000000000000000000000000000000000000000000000000000000000000080',
  '26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05',
  'c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac03fa'
])('a point of small order, for which anyone can sign, is no key: %s', hex => {
  expect(() => createPublicKeyOf('ed25519', hex)).toThrow(TypeError)
})

it('a text that is no point of the curve is a key that verifies nothing', () => {
  const key = createPublicKeyOf('ed25519', `02${'00'.repeat(31)}`)
  expect(verifies(key, bytes, '00'.repeat(64))).toBe(false)
})
