import { createPrivateKey, createPublicKey, generateKeyPairSync, sign, type KeyObject } from 'node:crypto'
import { digestOf, publicKeyOf, type PublicKey, type Scheme } from './public-key.js'

/**
 * Something that signs with one key: a key pair in memory, one that lies encrypted in a file, or an external command that holds the key.
 * It gets the bytes to be signed, never a digest.
 */
export interface Signer {
  readonly key: PublicKey
  /**
   * The signature over these bytes, as they are.
   *
   * @throws InstarError KeyLocked when the key cannot be opened, SignerFailed when an external command gives no signature
   */
  sign(bytes: Uint8Array): Promise<Uint8Array>
}

/** A key pair in memory. Its private half never leaves through JSON or a log line. */
export interface KeyPair extends Signer {
  /** PKCS#8, PEM. */
  exportPrivate(): string
}

/** A new key, from the randomness of the system. */
export function createKeyPair(scheme: Scheme = 'ed25519'): KeyPair {
  const made =
    scheme === 'ed25519' ? generateKeyPairSync('ed25519') : generateKeyPairSync('ec', { namedCurve: 'prime256v1' })
  return keyPairOf(made.privateKey)
}

/**
 * From PKCS#8, as PEM or DER. An encrypted PEM needs its passphrase.
 *
 * @throws TypeError when it is no private key of a known scheme, or the passphrase does not open it
 */
export function importKeyPair(key: string | Buffer, passphrase?: string): KeyPair {
  return keyPairOf(privateKeyOf(key, passphrase))
}

function privateKeyOf(key: string | Buffer, passphrase: string | undefined): KeyObject {
  try {
    return typeof key === 'string'
      ? createPrivateKey({ key, format: 'pem', ...(passphrase === undefined ? {} : { passphrase }) })
      : createPrivateKey({ key, format: 'der', type: 'pkcs8' })
  } catch {
    // What OpenSSL says helps nobody, and nothing that saw a private key is passed on.
    throw new TypeError('this is no private key, or the passphrase does not open it')
  }
}

function keyPairOf(privateKey: KeyObject): KeyPair {
  const key = publicKeyOf(createPublicKey(privateKey))
  // The private key lives in the closure, where neither JSON.stringify nor util.inspect reaches it.
  return Object.freeze({
    key,
    sign: async (bytes: Uint8Array) => new Uint8Array(sign(digestOf(key.scheme), bytes, privateKey)),
    exportPrivate: () => privateKey.export({ format: 'pem', type: 'pkcs8' }) as string
  })
}
