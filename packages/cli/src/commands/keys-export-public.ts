import { resolve } from 'node:path'
import { InstarError } from '@instar/core'
import type { MetadataRole } from '@instar/signer'
import type { Command } from 'commander'
import type { Io } from '../io.js'
import { addJsonOption, type JsonOptions } from '../options/common.js'
import { parseRole } from '../options/key-role.js'

interface Options extends JsonOptions {
  readonly keys: string
  readonly role?: MetadataRole
}

export function addKeysExportPublic(keys: Command, io: Io): void {
  const command = keys
    .command('export-public')
    .argument('[key]', 'the key, by the first digits of its id (default: all)')
    .summary('print public keys, for those who may name them')
    .description(
      'Prints the public half of keys as JSON, one key per line: what the holders of the root, or of the role above, need in order to name a key. It is no secret, but whoever names it should be sure whose it is: compare the key id by another way.'
    )
    .requiredOption('--keys <dir>', 'the keystore')
    .option('--role <role>', 'only keys for this role', parseRole)
    .addHelpText(
      'after',
      `
Examples:
  $ instar keys export-public --keys ./keys --role targets > alice.json
  $ instar keys export-public 3fa9c1 --keys ./keys`
    )
    .action(async (digits: string | undefined, options: Options) => {
      const { encodeExportedKey, loadKeystore } = await import('@instar/signer')
      const { keys: all, directory } = await loadKeystore(resolve(io.cwd, options.keys))
      const chosen = all
        .filter(({ role }) => options.role === undefined || role === options.role)
        .filter(({ key }) => digits === undefined || key.keyId.startsWith(digits.toLowerCase()))
      if (chosen.length === 0)
        throw new InstarError('KeyNotFound', `${directory} has no such key: instar keys list shows what it has.`)
      for (const each of chosen) io.out(`${encodeExportedKey(each)}\n`)
    })
  addJsonOption(command)
}
