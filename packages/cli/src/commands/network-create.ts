import { readdir } from 'node:fs/promises'
import { resolve } from 'node:path'
import { InstarError } from '@instar/core'
import type { Command } from 'commander'
import { buildGenesis } from '../authoring/build-genesis.js'
import type { Io } from '../io.js'
import { addDryRunOption, addJsonOption, type JsonOptions, type WriteOptions } from '../options/common.js'
import { dataDirectoryOf } from '../options/data-directory.js'
import { collect } from '../options/numbers.js'
import {
  addNewPassphraseOptions,
  newProtectionOf,
  unencryptedWords,
  type NewPassphraseOptions
} from '../options/passphrase.js'
import { createOutput } from '../output/output.js'

interface Options extends JsonOptions, WriteOptions, NewPassphraseOptions {
  readonly class: readonly string[]
  readonly data?: string
  readonly keys: string
  readonly name: string
  readonly durability: 'os' | 'disk'
}

export function addNetworkCreate(network: Command, io: Io): void {
  const command = network
    .command('create')
    .summary('make a new network: its keys, its trust root, its version 1')
    .description(
      'Makes the keys and the trust root of a new network, builds the classes of its version 1, and leaves all of it in the data directory of the first peer, which begins with it when it starts. Keep the keys: whoever has them publishes upgrades. They are encrypted with a passphrase, which is asked for unless it is given.'
    )
    .requiredOption(
      '--class <[name=]module>',
      'a class of version 1 and the module that defines it; may be repeated',
      collect
    )
    .option('--data <dir>', 'data directory of the first peer (default: $INSTAR_DATA, or .instar here)')
    .requiredOption('--keys <dir>', 'where to keep the new private keys')
    .option('--name <text>', 'a title for version 1', 'Genesis')
    .option('--durability <kind>', 'what an answered call survives: os (a killed process) or disk (power loss)', 'os')
    .addHelpText(
      'after',
      `
Example:
  $ instar network create --class IntSet=./int-set.ts --data ./one --keys ./keys
  $ instar peer start --data ./one

Where nobody can be asked for a passphrase:
  $ instar network create --class ./int-set.ts --data ./one --keys ./keys --passphrase-file ./secret`
    )
    .action(async (options: Options) => {
      const output = createOutput(io, options)
      const directory = dataDirectoryOf(options, io)
      if ((await readdir(directory).catch(() => [])).length > 0)
        throw new InstarError('BadInput', `${directory} is not empty: name a new folder for the first peer.`)
      const modules = options.class.map(text => parseClass(text, io.cwd))
      // Whoever has no passphrase should hear it before everything is built.
      const protection = options.dryRun === true ? 'unencrypted' : await newProtectionOf(options, io)
      const genesis = await buildGenesis({ ...options, modules, nowMs: io.now() })
      if (options.dryRun === true) {
        const record = { dryRun: true, classes: genesis.classes, data: directory, keys: resolve(io.cwd, options.keys) }
        output.result(record, () => `Would make a network with ${genesis.classes.join(', ')} in ${directory}.`)
        return
      }
      const network = await genesis.write(directory, resolve(io.cwd, options.keys), protection)
      output.result({ network, classes: genesis.classes, data: directory, keys: resolve(io.cwd, options.keys) }, () =>
        [
          `Network ${network} is made.`,
          `Its private keys are in ${options.keys}: keep them safe, they say what every peer will run.`,
          ...(protection === 'unencrypted' ? [output.style('yellow', unencryptedWords)] : []),
          '',
          'Start its first peer:',
          `  instar peer start --data ${options.data ?? directory}`,
          'Then, for other peers:',
          `  instar ticket --data ${options.data ?? directory}`,
          `  instar join <ticket> --class ${genesis.classes[0] ?? '<class>'} --data <another folder>`
        ].join('\n')
      )
    })
  addJsonOption(addDryRunOption(addNewPassphraseOptions(command)))
}

function parseClass(text: string, cwd: string): { name: string | undefined; entry: string } {
  const [, name, path = ''] = /^(?:([A-Za-z][A-Za-z0-9._-]*)=)?(.+)$/.exec(text) ?? []
  if (path === '')
    throw new InstarError('BadInput', `--class ${text} names no module: write --class IntSet=./int-set.ts.`)
  return { name, entry: resolve(cwd, path) }
}
