import { cp, mkdir, readdir, writeFile } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { InstarError } from '@instar/core'
import type { Command } from 'commander'
import type { Io } from '../io.js'
import { addDryRunOption, addJsonOption, type JsonOptions, type WriteOptions } from '../options/common.js'
import { createOutput } from '../output/output.js'

/** Compiled with this package, so that what a newcomer starts from is known to compile. */
const skeleton = fileURLToPath(new URL('../../src/skeleton/', import.meta.url))
const sources = ['counter.ts', 'counter-with-history.ts', 'counter-with-history.specification.ts', 'counter-test.ts']

export function addUpgradeNew(upgrade: Command, io: Io): void {
  const command = upgrade
    .command('new')
    .argument('<name>', 'a folder to make')
    .summary('write a small project to start from')
    .description(
      'Writes a commented project: a class, an upgrade of it as a twin, the specification of the upgrade, and a test that checks one against the other.'
    )
    .addHelpText(
      'after',
      '\nExample:\n  $ instar upgrade new my-service && cd my-service && npm install && npm run check && npm test'
    )
    .action(async (name: string, options: JsonOptions & WriteOptions) => {
      const output = createOutput(io, options)
      const folder = resolve(io.cwd, name)
      const existing = await readdir(folder).catch(() => [])
      if (existing.length > 0) throw new InstarError('BadInput', `${folder} is not empty: name a new folder.`)
      const written = { ...projectFiles(name.split('/').at(-1) ?? name) }
      const files = [...Object.keys(written), ...sources]
      if (options.dryRun !== true) {
        await mkdir(folder, { recursive: true })
        for (const [file, text] of Object.entries(written)) await writeFile(join(folder, file), text)
        for (const file of sources) await cp(join(skeleton, file), join(folder, file))
      }
      output.result({ folder, files, dryRun: options.dryRun === true }, () =>
        [
          `${options.dryRun === true ? 'Would write' : 'Wrote'} ${files.join(', ')} to ${folder}.`,
          'Read counter.ts, then counter-with-history.ts and its specification. Then:',
          `  cd ${name} && npm install && npm run check && npm test`,
          '  instar network create --class counter=./counter.ts --data ./one --keys ./keys'
        ].join('\n')
      )
    })
  addJsonOption(addDryRunOption(command))
}

function projectFiles(name: string): Record<string, string> {
  const packageJson = {
    name: name.toLowerCase().replaceAll(/[^a-z0-9._-]+/g, '-'),
    version: '0.0.0',
    private: true,
    type: 'module',
    scripts: { check: 'tsc', test: 'node --test' },
    dependencies: { '@instar/simulator-runtime': '*', zod: '^4.0.0' },
    devDependencies: { '@types/node': '^24.0.0', typescript: '^6.0.0' }
  }
  const tsconfig = {
    compilerOptions: {
      target: 'ES2023',
      module: 'NodeNext',
      strict: true,
      noEmit: true,
      types: ['node'],
      // Node runs the sources as they are.
      allowImportingTsExtensions: true,
      erasableSyntaxOnly: true,
      verbatimModuleSyntax: true,
      skipLibCheck: true
    },
    include: ['*.ts']
  }
  return { 'package.json': toText(packageJson), 'tsconfig.json': toText(tsconfig) }
}

function toText(value: object): string {
  return `${JSON.stringify(value, undefined, 2)}\n`
}
