import { resolve } from 'node:path'
import type { Command } from 'commander'
import { buildUpgrade } from '../authoring/build-upgrade.js'
import { readTrust } from '../authoring/read-trust.js'
import { writeUpgrade } from '../authoring/write-upgrade.js'
import { withPeer } from '../control/connect.js'
import type { Io } from '../io.js'
import { addRepairOptions, fromOf, type RepairOptions } from '../options/repair.js'
import { addUpgradeOptions, type UpgradeOptions } from '../options/upgrade.js'

interface Options extends UpgradeOptions, RepairOptions {
  readonly title: string
  readonly compatible?: true
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
  addRepairOptions(command)
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
      const from = fromOf(options, io)
      const built = await buildUpgrade({ ...options, from, kind: 'upgrade', entries, trust, nowMs: io.now() })
      await writeUpgrade(built, options, io)
    })
}
