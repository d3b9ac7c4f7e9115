import { resolve } from 'node:path'
import type { MetadataRole, NewKey } from '@instar/signer'
import { InstarError } from '@instar/core'
import { Option, type Command } from 'commander'
import { readKeyMaterial, type KeyMaterial } from '../authoring/key-material.js'
import type { Io } from '../io.js'
import { addDryRunOption, addJsonOption, type JsonOptions, type WriteOptions } from '../options/common.js'
import { parseDuration } from '../options/duration.js'
import { parseRole, roleWords } from '../options/key-role.js'
import {
  addNewPassphraseOptions,
  newProtectionOf,
  unencryptedWords,
  type NewPassphraseOptions
} from '../options/passphrase.js'
import { createOutput } from '../output/output.js'

interface Options extends JsonOptions, WriteOptions, NewPassphraseOptions {
  readonly keys: string
  readonly role?: MetadataRole
  readonly oldPassphraseFile?: string
  readonly signTimeout: number
}

export function addKeysImport(keys: Command, io: Io): void {
  const command = keys
    .command('import')
    .argument('<file>', 'a private key (PKCS#8 PEM, encrypted or not), a public key (PEM), or an exported one (JSON)')
    .argument('[command...]', 'after --: the program that signs with this public key, and its arguments')
    .summary('take a key that was made elsewhere into a keystore')
    .description(
      'Takes a key into a keystore. A private key is encrypted with a passphrase of the keystore. A public key is kept for reference, as that of somebody else; with a command after -- it is yours, and the command signs: a hardware token, an agent, or a script. It gets the bytes on standard input and writes the signature to standard output.'
    )
    .requiredOption('--keys <dir>', 'the keystore; made when it is not there')
    .option('--role <role>', 'what the key is for (default: what an exported key says)', parseRole)
    .option('--old-passphrase-file <file>', 'private file with the passphrase of the PEM file (default: you are asked)')
    .addOption(
      new Option('--sign-timeout <duration>', 'how long the command may take for one signature')
        .argParser(parseDuration)
        .default(parseDuration('1m'), '1m')
    )
    .addHelpText(
      'after',
      `
Roles:
${roleWords}

Examples:
  $ instar keys import ./old-key.pem --role targets --keys ./keys
  $ instar keys import ./token.pub.pem --role targets --keys ./keys -- sign-with-token --slot 2
  $ instar keys import ./alice.json --keys ./keys`
    )
    .action(async (file: string, program: readonly string[], options: Options) => {
      const output = createOutput(io, options)
      const material = await readKeyMaterial(resolve(io.cwd, file), options, io)
      const role = options.role ?? material.role
      if (role === undefined)
        throw new InstarError('BadInput', `${file} does not say what the key is for: say it with --role.`)
      const added = newKeyOf(material, program, options)
      const { keyId, scheme } = material.key
      const how = howOf(added)
      const record = { role, keyId, scheme, protection: how }
      if (options.dryRun === true) {
        output.result({ dryRun: true, ...record }, () => `Would keep key ${keyId.slice(0, 8)} for ${role} (${how}).`)
        return
      }
      const { addKeys } = await import('@instar/signer')
      const protection = 'pair' in added ? await newProtectionOf(options, io) : 'unencrypted'
      const [kept] = await addKeys(resolve(io.cwd, options.keys), [{ role, ...added }], protection)
      const isOpen = 'pair' in added && protection === 'unencrypted'
      output.result({ ...record, protection: isOpen ? 'none' : how, file: kept }, () =>
        [
          `Key ${keyId.slice(0, 8)} for ${role} is in ${kept ?? ''}.`,
          ...(isOpen ? [output.style('yellow', unencryptedWords)] : []),
          ...('pair' in added ? [`${file} still holds the private key: delete it once the keystore has a copy.`] : [])
        ].join('\n')
      )
    })
  addJsonOption(addDryRunOption(addNewPassphraseOptions(command)))
}

function newKeyOf({ pair, key }: KeyMaterial, program: readonly string[], { signTimeout }: Options): NewKey {
  if (pair !== undefined) {
    if (program.length === 0) return { pair }
    throw new InstarError('BadInput', 'A command signs for a key that it holds itself: give its public key only.')
  }
  return program.length === 0 ? { key, elsewhere: true } : { key, command: program, timeoutMs: signTimeout }
}

function howOf(added: NewKey): 'passphrase' | 'command' | 'elsewhere' {
  if ('pair' in added) return 'passphrase'
  return 'command' in added ? 'command' : 'elsewhere'
}
