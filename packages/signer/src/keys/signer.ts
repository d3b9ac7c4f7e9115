import type { PublicKey } from './public-key.js'

/**
 * Something that signs with one key: a key pair in memory now, later also an external command that holds the key. It gets the
 * bytes to be signed, never a digest.
 */
export interface Signer {
  readonly key: PublicKey
  sign(bytes: Uint8Array): Promise<Uint8Array>
}

/** An Ed25519 key pair in memory. Its private half never leaves through JSON or a log line. */
export interface KeyPair extends Signer {
  /** PKCS#8, PEM. */
  exportPrivate(): string
}

export function createKeyPair(): KeyPair {
  throw new Error('not yet')
}
