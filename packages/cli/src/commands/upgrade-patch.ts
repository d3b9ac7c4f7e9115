import { resolve } from 'node:path'
import type { Command } from 'commander'
import { buildUpgrade } from '../authoring/build-upgrade.js'
import { readTrust } from '../authoring/read-trust.js'
import { runningContracts } from '../authoring/running-contracts.js'
import { writeUpgrade } from '../authoring/write-upgrade.js'
import { withPeer } from '../control/connect.js'
import type { Io } from '../io.js'
import { dataDirectoryOf } from '../options/data-directory.js'
import { addRepairOptions, fromOf, type RepairOptions } from '../options/repair.js'
import { addUpgradeOptions, type UpgradeOptions } from '../options/upgrade.js'

interface Options extends UpgradeOptions, RepairOptions {
  readonly title: string
}

export function addUpgradePatch(upgrade: Command, io: Io): void {
  const command = upgrade
    .command('patch')
    .argument('<modules...>', 'the new classes (defineClass), one for each class that is patched')
    .summary('make an upgrade of new code alone')
    .description(
      'Builds an upgrade that brings new code for a class and leaves its contract and its state as they are: no simulation objects, no transform, calls of both versions go to one object. The contract is compared with the one of the newest version in the network, and another one is refused. With --supersedes it repairs bad versions: the patch is for peers of every version whose class has that contract, and --from names an upgrade for each other one.'
    )
    .option('--title <text>', 'what people see of it everywhere', 'Patch')
  addRepairOptions(command)
  addUpgradeOptions(command, io)
    .addHelpText(
      'after',
      `
Examples:
  $ instar upgrade patch ./color-set.ts --title "Count faster"
  $ instar upgrade patch ./color-set.ts --schedule eager --data ./one
  $ instar upgrade patch ./color-set.ts --supersedes 3 --from 2=./from-2.ts --title Repair`
    )
    .action(async (modules: readonly string[], options: Options) => {
      const trust = await withPeer(options, io, async client => readTrust(client, io.now()))
      const entries = modules.map(module => resolve(io.cwd, module))
      const contractOf = runningContracts(trust, dataDirectoryOf(options, io))
      const from = fromOf(options, io)
      const built = await buildUpgrade({ ...options, from, kind: 'patch', contractOf, entries, trust, nowMs: io.now() })
      await writeUpgrade(built, options, io)
    })
}
