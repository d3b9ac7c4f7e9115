import { resolve } from 'node:path'
import type { KeyProtection } from '@instar/signer'
import type { Command } from 'commander'
import type { Io } from '../io.js'
import { addJsonOption, type JsonOptions } from '../options/common.js'
import { createOutput } from '../output/output.js'

export function addKeysList(keys: Command, io: Io): void {
  const command = keys
    .command('list')
    .summary('the keys of a keystore, by role')
    .description(
      'Lists the keys of a keystore and what guards them. No passphrase is needed, and private keys are never printed. Which of them count is for the network to say.'
    )
    .requiredOption('--keys <dir>', 'the keystore')
    .addHelpText('after', '\nExample:\n  $ instar keys list --keys ./keys')
    .action(async (options: JsonOptions & { keys: string }) => {
      const { loadKeystore } = await import('@instar/signer')
      const output = createOutput(io, options)
      const keystore = await loadKeystore(resolve(io.cwd, options.keys))
      const rows = keystore.keys.map(({ role, key, protection, file }) => ({
        role,
        keyId: key.keyId,
        scheme: key.scheme,
        public: key.public,
        protection,
        file
      }))
      if (output.isJson) for (const row of rows) output.result(row, () => '')
      else
        output.line(
          output.table(
            ['ROLE', 'KEY ID', 'SCHEME', 'PROTECTED BY', 'FILE'],
            rows.map(row => [row.role, row.keyId, row.scheme, protectionWords[row.protection], row.file])
          )
        )
    })
  addJsonOption(command)
}

const protectionWords: Readonly<Record<KeyProtection, string>> = {
  passphrase: 'a passphrase',
  none: "the file's mode only",
  command: 'the command that signs',
  elsewhere: 'somebody else'
}
