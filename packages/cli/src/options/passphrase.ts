import { resolve } from 'node:path'
import { InstarError } from '@instar/core'
import type { NewProtection, PassphraseSource } from '@instar/signer'
import type { Command } from 'commander'
import type { Io } from '../io.js'

export interface PassphraseOptions {
  readonly passphraseFile?: string
}

/** `passphrase` is false for `--no-passphrase`. */
export interface NewPassphraseOptions extends PassphraseOptions {
  readonly passphrase: boolean
}

/** For a command that signs: where the passphrase of encrypted keys comes from when nobody is to be asked. */
export function addPassphraseOption(command: Command): Command {
  return command.option(
    '--passphrase-file <file>',
    'private file whose first line is the passphrase of the keys (default: $INSTAR_PASSPHRASE, or you are asked)'
  )
}

/** For a command that makes keys. */
export function addNewPassphraseOptions(command: Command): Command {
  return addPassphraseOption(command).option(
    '--no-passphrase',
    'leave the private keys unencrypted: whoever can read the files can sign. For trying things out'
  )
}

/** Said whenever keys were left so. */
export const unencryptedWords = 'They are not encrypted: whoever can read these files can sign.'

const variable = 'INSTAR_PASSPHRASE'

/** The passphrase of existing keys: from the file, else the environment, else the person at the terminal; asked when a key is used. */
export function passphraseOf(options: PassphraseOptions, io: Io): PassphraseSource {
  return async ({ file, wrong }) => {
    const given = await givenPassphrase(options, io)
    if (given !== undefined) return given
    if (io.canAsk) return io.askSecret(`${wrong === 0 ? '' : 'That was not it. '}Passphrase of ${file}: `)
    throw new InstarError(
      'KeyLocked',
      `${file} is encrypted, and nobody can type its passphrase here: give --passphrase-file <file> or set ${variable}.`,
      { detail: { path: file } }
    )
  }
}

/**
 * How new keys are to be kept. A passphrase that is typed is typed twice.
 *
 * @throws InstarError BadInput when there is no passphrase, or two that differ
 */
export async function newProtectionOf(options: NewPassphraseOptions, io: Io): Promise<NewProtection> {
  const { assertUsablePassphrase } = await import('@instar/signer')
  if (!options.passphrase) {
    if (options.passphraseFile === undefined) return 'unencrypted'
    throw new InstarError('BadInput', '--passphrase-file and --no-passphrase contradict each other: give one of them.')
  }
  const passphrase = (await givenPassphrase(options, io)) ?? (await askTwice(io, assertUsablePassphrase))
  assertUsablePassphrase(passphrase)
  return { passphrase }
}

async function givenPassphrase(options: PassphraseOptions, io: Io): Promise<string | undefined> {
  if (options.passphraseFile !== undefined) {
    const { readPassphraseFile } = await import('@instar/signer')
    return readPassphraseFile(resolve(io.cwd, options.passphraseFile))
  }
  const set = io.env[variable]
  return set === '' ? undefined : set
}

async function askTwice(io: Io, check: (passphrase: string) => void): Promise<string> {
  if (!io.canAsk)
    throw new InstarError(
      'BadInput',
      `Private keys are kept encrypted, and nobody can type a passphrase here: give --passphrase-file <file>, set ${variable}, or leave them unencrypted with --no-passphrase.`
    )
  const first = await io.askSecret('A passphrase for the new private keys: ')
  check(first)
  if ((await io.askSecret('The same again: ')) === first) return first
  throw new InstarError('BadInput', 'The two passphrases differ; nothing was done. Try again.')
}
