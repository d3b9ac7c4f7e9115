import { resolve } from 'node:path'
import type { Keystore } from '@instar/signer'
import type { Io } from '../io.js'
import { passphraseOf, type PassphraseOptions } from '../options/passphrase.js'

/** The keystore of `--keys`. Its passphrase is wanted when a key of it signs, not before. */
export async function openKeystore(options: PassphraseOptions & { readonly keys: string }, io: Io): Promise<Keystore> {
  const { loadKeystore } = await import('@instar/signer')
  return loadKeystore(resolve(io.cwd, options.keys), { passphrase: passphraseOf(options, io) })
}
