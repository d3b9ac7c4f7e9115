import { createPrivateKey, createPublicKey, generateKeyPairSync, sign, type KeyObject } from 'node:crypto'
import { createPublicKeyOf, publicHexOf, type PublicKey } from './public-key.js'

/**
 * Something that signs with one key: a key pair in memory now, later also an external command that holds the key. It gets the
 * bytes to be signed, never a digest.
 */
export interface Signer {
  readonly key: PublicKey
  /** The signature over these bytes, as they are. */
  sign(bytes: Uint8Array): Promise<Uint8Array>
}

/** An Ed25519 key pair in memory. Its private half never leaves through JSON or a log line. */
export interface KeyPair extends Signer {
  /** PKCS#8, PEM. */
  exportPrivate(): string
}

/** A new Ed25519 key, from the randomness of the system. */
export function createKeyPair(): KeyPair {
  return keyPairOf(generateKeyPairSync('ed25519').privateKey)
}

/** @throws TypeError when the text is no private Ed25519 key */
export function importKeyPair(pem: string): KeyPair {
  return keyPairOf(createPrivateKey(pem))
}

function keyPairOf(privateKey: KeyObject): KeyPair {
  const key = createPublicKeyOf(publicHexOf(createPublicKey(privateKey)))
  // The private key lives in the closure, where neither JSON.stringify nor util.inspect reaches it.
  return Object.freeze({
    key,
    sign: async (bytes: Uint8Array) => new Uint8Array(sign(null, bytes, privateKey)),
    exportPrivate: () => privateKey.export({ format: 'pem', type: 'pkcs8' }) as string
  })
}
