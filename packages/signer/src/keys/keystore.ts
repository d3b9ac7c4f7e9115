import type { MetadataRole } from '../metadata/document.js'
import type { KeyPair } from './signer.js'

/** The private keys of one person or machine. Which of them count is for the root metadata to say, not for the directory. */
export interface Keystore {
  readonly directory: string
  readonly keys: readonly StoredKey[]
  /** Those made for a role, in the order of their ids. */
  keysFor(role: MetadataRole): readonly KeyPair[]
}

export interface StoredKey {
  readonly role: MetadataRole
  readonly pair: KeyPair
  readonly file: string
}

/** How many keys of each role are made; 1 where absent, 0 for none. */
export type KeyCounts = Readonly<Partial<Record<MetadataRole, number>>>

/**
 * Makes a directory (mode 0700) with new keys, one file each (mode 0600).
 *
 * @throws InstarError BadInput when the directory has keys already
 */
export async function createKeystore(_directory: string, _counts: KeyCounts = {}): Promise<Keystore> {
  throw new Error('not yet')
}

/**
 * Reads all keys of a directory.
 *
 * @throws InstarError KeyNotFound when there is none, KeyUnsafe when a file or the directory is open to others, BadInput when a file is damaged
 */
export async function loadKeystore(_directory: string): Promise<Keystore> {
  throw new Error('not yet')
}
