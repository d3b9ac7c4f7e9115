import { createPublicKey, verify, type KeyObject } from 'node:crypto'
import type { Json } from '@instar/core'
import { canonicalHash, field, isObject, type JsonObject } from '../metadata/canonical.js'
import { isStrongPoint } from './ed25519-point.js'

/** How signatures are made; the first is the default. Other algorithms may stand in a root and verify nothing. */
export const schemes = ['ed25519', 'ecdsa-sha2-nistp256'] as const
/** One of {@link schemes}. */
export type Scheme = (typeof schemes)[number]

/** A public key as trust metadata name it. */
export interface PublicKey {
  /** sha-256 of the canonical key object: one key has one id, because the object has one form. */
  readonly keyId: string
  readonly scheme: Scheme
  /** Ed25519: its 32 bytes in lower-case hexadecimal. ECDSA: PEM of the uncompressed point, as OpenSSL writes it. */
  readonly public: string
}

const keyTypes: Readonly<Record<Scheme, string>> = { ed25519: 'ed25519', 'ecdsa-sha2-nistp256': 'ecdsa' }

/**
 * A key out of its text. Costs no arithmetic on the curve: a text that is no point of it makes a key that verifies nothing.
 *
 * @throws TypeError when the text is not the one form that this scheme has for a key
 */
export function createPublicKeyOf(scheme: Scheme, text: string): PublicKey {
  if (scheme === 'ed25519' ? !isStrongPoint(text) : !isOnlyPem(text)) {
    throw new TypeError(`a key for ${scheme} is not in its one form`)
  }
  return Object.freeze({ keyId: canonicalHash(keyJson(scheme, text)), scheme, public: text })
}

export function toKeyJson(key: PublicKey): JsonObject {
  return keyJson(key.scheme, key.public)
}

function keyJson(scheme: Scheme, text: string): JsonObject {
  return { keytype: keyTypes[scheme], scheme, keyval: { public: text } }
}

/**
 * Reads a key as metadata list it; undefined for an algorithm that is not known here.
 *
 * @throws TypeError when the id is not the hash of the key, or the key is not in its one form
 */
export function readKeyJson(keyId: string, json: Json): PublicKey | undefined {
  // Otherwise one key could stand under two ids and meet a threshold of two.
  if (!isObject(json) || canonicalHash(json) !== keyId) throw new TypeError('a key id is not the hash of its key')
  const scheme = schemes.find(each => each === field(json, 'scheme'))
  // A known scheme under a strange type is as good as an unknown one: it verifies nothing, so it counts for nothing.
  if (scheme === undefined || field(json, 'keytype') !== keyTypes[scheme]) return undefined
  const value = field(json, 'keyval')
  const text = isObject(value) ? field(value, 'public') : undefined
  if (typeof text !== 'string') throw new TypeError(`a key for ${scheme} has no text`)
  const key = createPublicKeyOf(scheme, text)
  if (key.keyId !== keyId) throw new TypeError(`a key for ${scheme} is not in its one form`)
  return key
}

/** Bytes of a SubjectPublicKeyInfo before the key itself. */
const spkiPrefix: Readonly<Record<Scheme, Buffer>> = {
  ed25519: Buffer.from('302a300506032b6570032100', 'hex'),
  // It ends with 04, for an uncompressed point: compressed, the same point would have a second text.
  'ecdsa-sha2-nistp256': Buffer.from('3059301306072a8648ce3d020106082a8648ce3d03010703420004', 'hex')
}
const p256PointBytes = 64

const pem = /^-----BEGIN PUBLIC KEY-----\n([A-Za-z0-9+/]{64})\n([A-Za-z0-9+/]{58}==)\n-----END PUBLIC KEY-----\n$/

function isOnlyPem(text: string): boolean {
  const [, first = '', second = ''] = pem.exec(text) ?? []
  const prefix = spkiPrefix['ecdsa-sha2-nistp256']
  const der = Buffer.from(first + second, 'base64')
  return (
    der.byteLength === prefix.byteLength + p256PointBytes &&
    der.subarray(0, prefix.byteLength).equals(prefix) &&
    // The last digit has bits that decode to nothing: only zeros are its one form.
    der.toString('base64') === first + second
  )
}

const keyObjects = new WeakMap<PublicKey, KeyObject>()

function keyObjectOf(key: PublicKey): KeyObject {
  let object = keyObjects.get(key)
  if (object === undefined) {
    object =
      key.scheme === 'ed25519'
        ? createPublicKey({
            key: Buffer.concat([spkiPrefix.ed25519, Buffer.from(key.public, 'hex')]),
            format: 'der',
            type: 'spki'
          })
        : createPublicKey(key.public)
    keyObjects.set(key, object)
  }
  return object
}

/** What a signature of each scheme looks like in hexadecimal: 64 bytes, or DER of two numbers below the order of the curve. */
const signatureText: Readonly<Record<Scheme, RegExp>> = {
  ed25519: /^[0-9a-f]{128}$/,
  'ecdsa-sha2-nistp256': /^(?:[0-9a-f]{2}){8,72}$/
}

/** Whether the signature (lower-case hexadecimal) is this key's over these bytes. Never throws. */
export function verifies(key: PublicKey, bytes: Uint8Array, sig: string): boolean {
  // Node's decoder stops at the first character that is no digit, so that one signature would have many texts.
  if (!signatureText[key.scheme].test(sig)) return false
  try {
    return verify(digestOf(key.scheme), bytes, keyObjectOf(key), Buffer.from(sig, 'hex'))
  } catch {
    // A text that is no point of the curve: such a key signs nothing.
    return false
  }
}

/** What Node hashes the bytes with before it signs; Ed25519 hashes by itself. */
export function digestOf(scheme: Scheme): 'sha256' | null {
  return scheme === 'ed25519' ? null : 'sha256'
}

/** From SPKI PEM, in whatever form it has there. @throws TypeError when it is no public key of a known scheme */
export function importPublicKey(pem: string): PublicKey {
  return publicKeyOf(readSpki(pem))
}

function readSpki(pem: string): KeyObject {
  try {
    return createPublicKey(pem)
  } catch (cause) {
    throw new TypeError('this is no public key', { cause })
  }
}

/** From a public key of Node's, in whatever form it was read. @throws TypeError for another algorithm */
export function publicKeyOf(key: KeyObject): PublicKey {
  if (key.asymmetricKeyType === 'ed25519') {
    const der = key.export({ format: 'der', type: 'spki' })
    return createPublicKeyOf('ed25519', der.subarray(spkiPrefix.ed25519.byteLength).toString('hex'))
  }
  if (key.asymmetricKeyType === 'ec' && key.asymmetricKeyDetails?.namedCurve === 'prime256v1') {
    // OpenSSL writes a point as it was read: through JWK, which has the coordinates, a compressed one gets its one form.
    const { x = '', y = '' } = key.export({ format: 'jwk' })
    const point = [x, y].map(each => Buffer.from(each, 'base64url'))
    const der = Buffer.concat([spkiPrefix['ecdsa-sha2-nistp256'], ...point])
    const lines = der.toString('base64').replace(/^(.{64})/, '$1\n')
    return createPublicKeyOf('ecdsa-sha2-nistp256', `-----BEGIN PUBLIC KEY-----\n${lines}\n-----END PUBLIC KEY-----\n`)
  }
  throw new TypeError('only Ed25519 and ECDSA P-256 keys are supported')
}
