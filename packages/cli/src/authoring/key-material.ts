import { readFile, stat } from 'node:fs/promises'
import { InstarError, messageOf } from '@instar/core'
import type { KeyPair, MetadataRole, PublicKey } from '@instar/signer'
import { resolve } from 'node:path'
import type { Io } from '../io.js'

/** A key as a file has it. */
export interface KeyMaterial {
  readonly key: PublicKey
  /** Only of a private key. */
  readonly pair?: KeyPair
  /** Only of an exported one. */
  readonly role?: MetadataRole
}

interface Options {
  readonly oldPassphraseFile?: string
}

const bytesMax = 16 * 1024

/**
 * Reads a private key (PEM), a public key (PEM) or an exported one (JSON). A file with a private key must be private itself.
 *
 * @throws InstarError BadInput for anything else, KeyUnsafe when others may read a private key, KeyLocked for a wrong passphrase
 */
export async function readKeyMaterial(path: string, options: Options, io: Io): Promise<KeyMaterial> {
  const { assertPrivate, importPublicKey, parseExportedKey } = await import('@instar/signer')
  const text = await readText(path)
  if (text.trimStart().startsWith('{')) return parseExportedKey(text)
  if (!/-----BEGIN [A-Z0-9 ]*PRIVATE KEY-----/.test(text)) {
    try {
      return { key: importPublicKey(text) }
    } catch {
      throw new InstarError('BadInput', `${path} holds no Ed25519 or ECDSA P-256 key in a form that is known here.`)
    }
  }
  await assertPrivate(path)
  const pair = await importPrivate(path, text, options, io)
  return { key: pair.key, pair }
}

async function importPrivate(path: string, pem: string, options: Options, io: Io): Promise<KeyPair> {
  const { importKeyPair } = await import('@instar/signer')
  const isEncrypted = /-----BEGIN ENCRYPTED |^Proc-Type: 4,ENCRYPTED/m.test(pem)
  const passphrase = isEncrypted ? await oldPassphrase(path, options, io) : undefined
  try {
    return importKeyPair(pem, passphrase)
  } catch {
    // The cause is not passed on: it saw a private key.
    throw isEncrypted
      ? new InstarError('KeyLocked', `The passphrase does not open ${path}, or it holds no key that is known here.`)
      : new InstarError('BadInput', `${path} holds no private key for Ed25519 or ECDSA P-256.`)
  }
}

async function oldPassphrase(path: string, { oldPassphraseFile }: Options, io: Io): Promise<string> {
  if (oldPassphraseFile !== undefined) {
    const { readPassphraseFile } = await import('@instar/signer')
    return readPassphraseFile(resolve(io.cwd, oldPassphraseFile))
  }
  if (io.canAsk) return io.askSecret(`Passphrase of ${path}: `)
  throw new InstarError(
    'KeyLocked',
    `${path} is encrypted, and nobody can type its passphrase here: give --old-passphrase-file <file>.`
  )
}

async function readText(path: string): Promise<string> {
  try {
    const { size } = await stat(path)
    if (size > bytesMax) throw new RangeError(`it has ${size} bytes, and no key has more than ${bytesMax}`)
    return await readFile(path, 'utf8')
  } catch (cause) {
    throw new InstarError('BadInput', `${path} cannot be read: ${messageOf(cause)}.`, { detail: { path }, cause })
  }
}
