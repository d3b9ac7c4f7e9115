import type { Command } from 'commander'
import { withPeer } from '../control/connect.js'
import type { Io } from '../io.js'
import { addDryRunOption, addPeerOptions, type PeerOptions, type WriteOptions } from '../options/common.js'
import { parseVersion } from '../options/numbers.js'
import { createOutput } from '../output/output.js'

export function addUpgradeGoNow(upgrade: Command, io: Io): void {
  const command = upgrade
    .command('go-now')
    .argument('<version>', 'the version to go to', parseVersion)
    .summary('let this peer go to a version without waiting for its schedule')
    .description(
      'Opens the schedule gate of one version at the local peer: it waits neither for its schedule, nor for a maintenance window, nor for other peers to serve the version. Trust, health and limit stay in force; so do a hold and a highest version, which are taken back first.'
    )
    .addHelpText('after', '\nExample:\n  $ instar upgrade go-now 2 --data ./one')
    .action(async (version: number, options: PeerOptions & WriteOptions) => {
      const output = createOutput(io, options)
      const isDry = options.dryRun === true
      await withPeer(options, io, async client => (isDry ? client.status() : client.approve(version, { now: true })))
      const words = `v${version} waits for no schedule here.`
      output.result({ goNow: version, dryRun: isDry }, () => (isDry ? `Dry run: ${words}` : words))
    })
  addPeerOptions(addDryRunOption(command))
}
