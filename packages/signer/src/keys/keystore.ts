import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { InstarError, messageOf } from '@instar/core'
import { z } from 'zod'
import { metadataRoles, type MetadataRole } from '../metadata/document.js'
import { assertPrivate, makePrivateDirectory, writePrivateFile } from './private-file.js'
import { createKeyPair, importKeyPair, type KeyPair } from './signer.js'

/** The private keys of one person or machine. Which of them count is for the root metadata to say, not for the directory. */
export interface Keystore {
  readonly directory: string
  readonly keys: readonly StoredKey[]
  /** Those made for a role, in the order of their ids. */
  keysFor(role: MetadataRole): readonly KeyPair[]
}

/** A key of a keystore, and the role that it was made for. */
export interface StoredKey {
  readonly role: MetadataRole
  readonly pair: KeyPair
  readonly file: string
}

/** How many keys of each role are made; 1 where absent, 0 for none. */
export type KeyCounts = Readonly<Partial<Record<MetadataRole, number>>>

const keyFileSchema = z.strictObject({
  format: z.literal(1),
  role: z.enum(metadataRoles),
  keyId: z.string().regex(/^[0-9a-f]{64}$/),
  public: z.string().regex(/^[0-9a-f]{64}$/),
  private: z.discriminatedUnion('protection', [
    /** Guarded by the mode of the file alone. Encryption with a passphrase will be another member. */
    z.strictObject({ protection: z.literal('none'), pkcs8: z.string().max(1000) })
  ])
})

const suffix = '.key.json'
const keysMax = 256

/**
 * Makes a directory (mode 0700) with new keys, one file each (mode 0600).
 *
 * @throws InstarError BadInput when the directory has keys already, KeyUnsafe when it is open to others
 */
export async function createKeystore(directory: string, counts: KeyCounts = {}): Promise<Keystore> {
  await makePrivateDirectory(directory)
  if ((await keyFiles(directory)).length > 0) {
    throw new InstarError(
      'BadInput',
      `${directory} has keys already: choose another directory, keys are never replaced.`
    )
  }
  for (const role of metadataRoles) {
    for (let i = 0; i < (counts[role] ?? 1); i++) await writeKey(directory, role, createKeyPair())
  }
  return loadKeystore(directory)
}

async function writeKey(directory: string, role: MetadataRole, pair: KeyPair): Promise<void> {
  const content: z.infer<typeof keyFileSchema> = {
    format: 1,
    role,
    keyId: pair.key.keyId,
    public: pair.key.public,
    private: { protection: 'none', pkcs8: pair.exportPrivate() }
  }
  const file = join(directory, `${role}-${pair.key.keyId.slice(0, 8)}${suffix}`)
  await writePrivateFile(file, `${JSON.stringify(content, undefined, 2)}\n`)
}

/**
 * Reads all keys of a directory.
 *
 * @throws InstarError KeyNotFound when there is none, KeyUnsafe when a file or the directory is open to others, BadInput when a file is damaged
 */
export async function loadKeystore(directory: string): Promise<Keystore> {
  const files = await keyFiles(directory)
  if (files.length === 0) {
    throw new InstarError(
      'KeyNotFound',
      `${directory} has no keys: name the keystore that made the network, or one with an author's key.`
    )
  }
  await assertPrivate(directory)
  const keys: StoredKey[] = []
  for (const name of files) keys.push(await readKey(join(directory, name)))
  keys.sort((a, b) => (a.pair.key.keyId < b.pair.key.keyId ? -1 : 1))
  return Object.freeze({
    directory,
    keys,
    keysFor: (role: MetadataRole) => keys.filter(each => each.role === role).map(each => each.pair)
  })
}

async function keyFiles(directory: string): Promise<readonly string[]> {
  try {
    return (await readdir(directory)).filter(name => name.endsWith(suffix)).slice(0, keysMax)
  } catch (cause) {
    throw new InstarError('KeyNotFound', `The keystore ${directory} cannot be read: ${messageOf(cause)}`, { cause })
  }
}

async function readKey(file: string): Promise<StoredKey> {
  await assertPrivate(file)
  const text = await readFile(file, 'utf8')
  try {
    const content = keyFileSchema.parse(JSON.parse(text))
    const pair = importKeyPair(content.private.pkcs8)
    if (pair.key.keyId !== content.keyId) throw new TypeError('its key id is not that of its key')
    return { role: content.role, pair, file }
  } catch {
    // Neither the cause nor its text goes on: a parser's message may quote the private key.
    throw new InstarError('BadInput', `${file} is not a key file, or it is damaged: restore it from a copy.`, {
      detail: { path: file }
    })
  }
}
