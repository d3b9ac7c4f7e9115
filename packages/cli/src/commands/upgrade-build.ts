import { resolve } from 'node:path'
import { InvalidArgumentError, Option, type Command } from 'commander'
import { buildUpgrade } from '../authoring/build-upgrade.js'
import { readTrust } from '../authoring/read-trust.js'
import { writeUpgrade } from '../authoring/write-upgrade.js'
import type { StartModule } from '../authoring/superseding.js'
import { withPeer } from '../control/connect.js'
import type { Io } from '../io.js'
import { parseVersion } from '../options/numbers.js'
import { addUpgradeOptions, type UpgradeOptions } from '../options/upgrade.js'

interface Options extends UpgradeOptions {
  readonly title: string
  readonly compatible?: true
  readonly supersedes?: number
  readonly from?: readonly StartModule[]
}

export function addUpgradeBuild(upgrade: Command, io: Io): void {
  const command = upgrade
    .command('build')
    .argument('<modules...>', 'the upgrade modules, one for each class that changes')
    .summary('make the bundle, the descriptor and a proposal to be signed')
    .description(
      'Builds each module into a reproducible bundle, describes the next version of the network of the local peer, and writes a proposal, which nobody trusts before it is signed.'
    )
    .requiredOption('--title <text>', 'what people see of it everywhere')
    .option('--compatible', 'the contract did not change: new code only, no simulation objects')
    .addOption(
      new Option(
        '--supersedes <version>',
        'it repairs this version and all after it, which nobody takes any more'
      ).argParser(parseVersion)
    )
    .addOption(
      new Option(
        '--from <version>=<module>',
        'with --supersedes: the module for peers that run this earlier version; once for each such version'
      ).argParser(collectStart)
    )
  addUpgradeOptions(command, io)
    .addHelpText(
      'after',
      `
Examples:
  $ instar upgrade build ./color-set.ts --title Colours
  $ instar upgrade build ./color-set.ts --title Colours --schedule rolling:2 --deadline 3d --stable 10m -o out
  $ instar upgrade build ./mend-3.ts --supersedes 3 --from 2=./from-2.ts --title Repair`
    )
    .action(async (modules: readonly string[], options: Options) => {
      const trust = await withPeer(options, io, async client => readTrust(client, io.now()))
      const entries = modules.map(module => resolve(io.cwd, module))
      const from = options.from?.map(each => ({ ...each, entry: resolve(io.cwd, each.entry) }))
      const built = await buildUpgrade({ ...options, from, kind: 'upgrade', entries, trust, nowMs: io.now() })
      await writeUpgrade(built, options, io)
    })
}

function collectStart(text: string, before: readonly StartModule[] = []): readonly StartModule[] {
  return [...before, parseStart(text)]
}

/** @throws InvalidArgumentError */
function parseStart(text: string): StartModule {
  const at = text.indexOf('=')
  if (at < 1 || at === text.length - 1) throw new InvalidArgumentError('It is a version and a module: 2=./from-two.ts.')
  return { version: parseVersion(text.slice(0, at)), entry: text.slice(at + 1) }
}
