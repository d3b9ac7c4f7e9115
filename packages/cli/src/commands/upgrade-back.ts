import type { Command } from 'commander'
import { withPeer } from '../control/connect.js'
import type { Io } from '../io.js'
import { addDryRunOption, addPeerOptions, type PeerOptions, type WriteOptions } from '../options/common.js'
import { parseVersion } from '../options/numbers.js'
import { createOutput } from '../output/output.js'

export function addUpgradeBack(upgrade: Command, io: Io): void {
  const command = upgrade
    .command('back')
    .argument('<version>', 'the version that is on trial', parseVersion)
    .summary('send a trial back at this peer')
    .description(
      'Ends the trial of a version at the local peer: what ran before runs again, with what the way back of the upgrade keeps (`upgrade plan` says it). The version is tried again only on somebody’s word. One that is committed does not go back.'
    )
    .addHelpText('after', '\nExamples:\n  $ instar upgrade back 2 --data ./one')
    .action(async (version: number, options: PeerOptions & WriteOptions) => {
      const output = createOutput(io, options)
      const isDry = options.dryRun === true
      await withPeer(options, io, async client => (isDry ? client.status() : client.goBack(version)))
      output.result({ back: version, dryRun: isDry }, () => `v${version} ${isDry ? 'would go' : 'goes'} back here.`)
    })
  addPeerOptions(addDryRunOption(command))
}
