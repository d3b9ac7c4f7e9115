import { createPublicKey, verify, type KeyObject } from 'node:crypto'
import { canonicalHash, type JsonObject } from '../metadata/canonical.js'

/** A public key as root metadata name it. Ed25519, the one algorithm that is known so far. */
export interface PublicKey {
  /** sha-256 of the canonical key object: one key has one id, because the object has one form. */
  readonly keyId: string
  /** The 32 bytes as lower-case hexadecimal. */
  readonly public: string
}

export function createPublicKeyOf(publicHex: string): PublicKey {
  return Object.freeze({ keyId: canonicalHash(keyJson(publicHex)), public: publicHex })
}

export function toKeyJson(key: PublicKey): JsonObject {
  return keyJson(key.public)
}

function keyJson(publicHex: string): JsonObject {
  return { keytype: 'ed25519', scheme: 'ed25519', keyval: { public: publicHex } }
}

/** Bytes of an Ed25519 SubjectPublicKeyInfo before the key itself. */
const spkiPrefix = Buffer.from('302a300506032b6570032100', 'hex')

const keyObjects = new WeakMap<PublicKey, KeyObject>()

function keyObjectOf(key: PublicKey): KeyObject {
  let object = keyObjects.get(key)
  if (object === undefined) {
    const der = Buffer.concat([spkiPrefix, Buffer.from(key.public, 'hex')])
    object = createPublicKey({ key: der, format: 'der', type: 'spki' })
    keyObjects.set(key, object)
  }
  return object
}

/** Whether the signature (128 hexadecimal digits) is this key's over these bytes. Never throws. */
export function verifies(key: PublicKey, bytes: Uint8Array, sig: string): boolean {
  try {
    return verify(null, bytes, keyObjectOf(key), Buffer.from(sig, 'hex'))
  } catch {
    // 32 bytes that are no point of the curve: such a key signs nothing.
    return false
  }
}

/** From an SPKI key object of Node's. @throws TypeError for another algorithm */
export function publicHexOf(key: KeyObject): string {
  const der = key.export({ format: 'der', type: 'spki' })
  if (key.asymmetricKeyType !== 'ed25519') throw new TypeError('only Ed25519 keys are supported')
  return der.subarray(spkiPrefix.length).toString('hex')
}
