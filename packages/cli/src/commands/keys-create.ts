import { resolve } from 'node:path'
import type { MetadataRole, Scheme } from '@instar/signer'
import { Option, type Command } from 'commander'
import type { Io } from '../io.js'
import { addDryRunOption, addJsonOption, type JsonOptions, type WriteOptions } from '../options/common.js'
import { collectRole, parseScheme, roleWords } from '../options/key-role.js'
import {
  addNewPassphraseOptions,
  newProtectionOf,
  unencryptedWords,
  type NewPassphraseOptions
} from '../options/passphrase.js'
import { createOutput } from '../output/output.js'

interface Options extends JsonOptions, WriteOptions, NewPassphraseOptions {
  readonly keys: string
  readonly role: readonly MetadataRole[]
  readonly scheme: Scheme
}

export function addKeysCreate(keys: Command, io: Io): void {
  const command = keys
    .command('create')
    .summary('make a key of your own')
    .description(
      'Makes a new key for a role and keeps its private half in a keystore, encrypted with a passphrase. It counts for nothing until the network names it: pass on what instar keys export-public prints to those who hold the keys above yours.'
    )
    .requiredOption('--keys <dir>', 'the keystore; made when it is not there')
    .requiredOption('--role <role>', 'what the key is for; may be repeated, for one key each', collectRole)
    .addOption(
      new Option('--scheme <scheme>', 'ed25519, or ecdsa-sha2-nistp256 for hardware that knows nothing else')
        .argParser(parseScheme)
        .default('ed25519' satisfies Scheme)
    )
    .addHelpText(
      'after',
      `
Roles:
${roleWords}

Examples:
  $ instar keys create --keys ./keys --role targets
  $ instar keys create --keys ./online --role snapshot --role timestamp --passphrase-file ./secret`
    )
    .action(async (options: Options) => {
      const output = createOutput(io, options)
      const directory = resolve(io.cwd, options.keys)
      if (options.dryRun === true) {
        const record = { dryRun: true, roles: options.role, scheme: options.scheme, keys: directory }
        output.result(record, () => `Would make ${options.role.length} key(s) in ${options.keys}.`)
        return
      }
      const { addKeys, createKeyPair } = await import('@instar/signer')
      const protection = await newProtectionOf(options, io)
      const made = options.role.map(role => ({ role, pair: createKeyPair(options.scheme) }))
      const files = await addKeys(directory, made, protection)
      made.forEach(({ role, pair }, i) => {
        const { keyId, scheme } = pair.key
        const record = { role, keyId, scheme, encrypted: protection !== 'unencrypted', file: files[i] }
        output.result(record, () => `Key ${keyId.slice(0, 8)} for ${role} is in ${files[i] ?? ''}.`)
      })
      if (protection === 'unencrypted') output.line(output.style('yellow', unencryptedWords))
      output.line(`Its public half, for those who may name it:\n  instar keys export-public --keys ${options.keys}`)
    })
  addJsonOption(addDryRunOption(addNewPassphraseOptions(command)))
}
