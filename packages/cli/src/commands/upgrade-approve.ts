import type { Command } from 'commander'
import { withPeer } from '../control/connect.js'
import type { Io } from '../io.js'
import { addDryRunOption, addPeerOptions, type PeerOptions, type WriteOptions } from '../options/common.js'
import { parseVersion } from '../options/numbers.js'
import { createOutput } from '../output/output.js'

export function addUpgradeApprove(upgrade: Command, io: Io): void {
  const command = upgrade
    .command('approve')
    .argument('<version>', 'the version to go to', parseVersion)
    .summary('approve an upgrade at this peer')
    .description('Says the word that the schedule `manual` waits for at the local peer.')
    .addHelpText('after', '\nExample:\n  $ instar upgrade approve 2 --data ./one')
    .action(async (version: number, options: PeerOptions & WriteOptions) => {
      const output = createOutput(io, options)
      const isDry = options.dryRun === true
      await withPeer(options, io, async client => (isDry ? client.status() : client.approve(version)))
      output.result(
        { approved: version, dryRun: isDry },
        () => `${isDry ? 'Would approve' : 'Approved'} v${version} here.`
      )
    })
  addPeerOptions(addDryRunOption(command))
}
