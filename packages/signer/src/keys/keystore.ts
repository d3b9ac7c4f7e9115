import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { createPrivateKey } from 'node:crypto'
import { InstarError, messageOf } from '@instar/core'
import { metadataRoles, type MetadataRole } from '../metadata/document.js'
import { commandTimeoutMs } from './command-signer.js'
import { commandPart, encodeKeyFile, labelOf, readKeyFile, type PrivatePart, type StoredKey } from './key-file.js'
import { assertPrivate, makePrivateDirectory, writePrivateFile } from './private-file.js'
import type { PublicKey } from './public-key.js'
import { createKdf, deriveKey, sealKey } from './sealed-key.js'
import { createKeyPair, type KeyPair, type Signer } from './signer.js'
import { assertUsablePassphrase, createUnlock, noPassphrase, type PassphraseSource } from './unlocking.js'

/** The private keys of one person or machine. Which of them count is for the root metadata to say, not for the directory. */
export interface Keystore {
  readonly directory: string
  readonly keys: readonly StoredKey[]
  /** Those made for a role that can sign, in the order of their ids. An encrypted one is opened by its first signature. */
  keysFor(role: MetadataRole): readonly Signer[]
}

/** How many keys of each role are made; 1 where absent, 0 for none. */
export type KeyCounts = Readonly<Partial<Record<MetadataRole, number>>>

/** How new private keys are kept. `unencrypted`: whoever can read the file has the key; for trying things out. */
export type NewProtection = 'unencrypted' | { readonly passphrase: string; readonly logN?: number }

/** A key that comes into a keystore: one in memory, or one whose private half a program holds, or somebody else. */
export type NewKey =
  | { readonly pair: KeyPair }
  | { readonly key: PublicKey; readonly command: readonly string[]; readonly timeoutMs?: number }
  | { readonly key: PublicKey; readonly elsewhere: true }

const suffix = '.key.json'
const keysMax = 256

/**
 * Makes a directory (mode 0700) with new Ed25519 keys, one file each (mode 0600).
 *
 * @throws InstarError BadInput when the directory has keys already or the passphrase is too short, KeyUnsafe when it is open to others
 */
export async function createKeystore(
  directory: string,
  protection: NewProtection,
  counts: KeyCounts = {}
): Promise<Keystore> {
  const seal = await createSeal(protection)
  await makePrivateDirectory(directory)
  if ((await keyFiles(directory)).length > 0) {
    throw new InstarError(
      'BadInput',
      `${directory} has keys already: choose another directory, keys are never replaced.`
    )
  }
  for (const role of metadataRoles) {
    for (let i = 0; i < (counts[role] ?? 1); i++) {
      const pair = createKeyPair()
      await writeKey(directory, role, pair.key, seal(role, pair))
    }
  }
  return loadKeystore(directory, protection === 'unencrypted' ? {} : { passphrase: async () => protection.passphrase })
}

/**
 * Puts keys into a keystore, which is made when it is not there. `protection` counts for private keys in memory only. Returns their files.
 *
 * @throws InstarError BadInput when one is there already or the passphrase is too short, KeyUnsafe when the directory is open to others
 */
export async function addKeys(
  directory: string,
  added: ReadonlyArray<NewKey & { readonly role: MetadataRole }>,
  protection: NewProtection
): Promise<readonly string[]> {
  const seal = await createSeal(protection)
  await makePrivateDirectory(directory)
  const files: string[] = []
  for (const each of added) {
    const [key, part] = 'pair' in each ? [each.pair.key, seal(each.role, each.pair)] : [each.key, partOf(each)]
    files.push(await writeKey(directory, each.role, key, part))
  }
  return files
}

function partOf(added: Exclude<NewKey, { pair: KeyPair }>): PrivatePart {
  if ('elsewhere' in added) return { protection: 'elsewhere' }
  const part = commandPart.safeParse({
    protection: 'command',
    command: [...added.command],
    timeoutMs: added.timeoutMs ?? commandTimeoutMs
  })
  if (part.success) return part.data
  throw new InstarError(
    'BadInput',
    'A signing command has 1 to 64 words and takes between a second and 10 minutes for a signature.'
  )
}

/** Keys that are made together share the parameters of their passphrase, so that they are opened together at the price of one. */
async function createSeal(protection: NewProtection): Promise<(role: MetadataRole, pair: KeyPair) => PrivatePart> {
  if (protection === 'unencrypted') return (_, pair) => ({ protection: 'none', pkcs8: pair.exportPrivate() })
  const { passphrase, logN } = protection
  assertUsablePassphrase(passphrase)
  const kdf = createKdf(logN)
  const cipherKey = await deriveKey(kdf, passphrase)
  return (role, pair) => {
    const pkcs8 = createPrivateKey(pair.exportPrivate()).export({ format: 'der', type: 'pkcs8' })
    return sealKey(pkcs8, labelOf(role, pair.key), kdf, cipherKey)
  }
}

async function writeKey(directory: string, role: MetadataRole, key: PublicKey, part: PrivatePart): Promise<string> {
  const file = join(directory, `${role}-${key.keyId.slice(0, 8)}${suffix}`)
  try {
    await writePrivateFile(file, encodeKeyFile(role, key, part))
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code !== 'EEXIST') throw cause
    throw new InstarError('BadInput', `${file} is there already: keys are never replaced.`, { detail: { path: file } })
  }
  return file
}

/** How a keystore is opened. */
export interface KeystoreOptions {
  /** Asked when an encrypted key is used for the first time. Without it such a key stays locked. */
  readonly passphrase?: PassphraseSource
}

/**
 * Reads all keys of a directory. Nothing is asked and nothing decrypted before a key signs.
 *
 * @throws InstarError KeyNotFound when there is none, KeyUnsafe when a file or the directory is open to others, BadInput when a file is damaged
 */
export async function loadKeystore(directory: string, options: KeystoreOptions = {}): Promise<Keystore> {
  const files = await keyFiles(directory)
  if (files.length === 0) {
    throw new InstarError(
      'KeyNotFound',
      `${directory} has no keys: name the keystore that made the network, or one with an author's key.`
    )
  }
  await assertPrivate(directory)
  const unlock = createUnlock(options.passphrase ?? noPassphrase)
  const keys: StoredKey[] = []
  for (const name of files) keys.push(await readKeyFile(join(directory, name), unlock))
  keys.sort((a, b) => (a.key.keyId < b.key.keyId ? -1 : 1))
  return Object.freeze({
    directory,
    keys,
    keysFor: (role: MetadataRole) =>
      keys.flatMap(each => (each.role === role && each.signer !== undefined ? [each.signer] : []))
  })
}

async function keyFiles(directory: string): Promise<readonly string[]> {
  try {
    return (await readdir(directory)).filter(name => name.endsWith(suffix)).slice(0, keysMax)
  } catch (cause) {
    throw new InstarError('KeyNotFound', `The keystore ${directory} cannot be read: ${messageOf(cause)}`, { cause })
  }
}
