import { resolve } from 'node:path'
import type { Command } from 'commander'
import { readProposal } from '../authoring/proposal-file.js'
import { publishProposals, type PublishOptions } from '../authoring/publish-proposals.js'
import type { Io } from '../io.js'
import { addDryRunOption, addPeerOptions } from '../options/common.js'
import { addPassphraseOption } from '../options/passphrase.js'
import { addWaitOption } from '../options/proposal.js'

export function addUpgradePublish(upgrade: Command, io: Io): void {
  const command = upgrade
    .command('publish')
    .argument('<proposal>', 'a proposal.json with enough signatures')
    .summary('hand a signed upgrade to the network')
    .description(
      'Uploads the bundles to the local peer, submits what the authors signed, and shows how the peers hear of the new version. It needs no key: the online keys of --keys join the documents, or any peer that holds online keys does, and the command waits for it. Publishing cannot be taken back; a later version can supersede it.'
    )
    .option('--keys <dir>', 'a keystore with the online keys (snapshot, timestamp), if you have them')
    .option(
      '--irreversible',
      'publish an upgrade that has no way back without being asked, twice, whether that is meant'
    )
    .option('--bundles <dir>', 'where the bundles are (default: bundles/ beside the proposal)')
    .addHelpText(
      'after',
      `
Examples:
  $ instar upgrade publish upgrade/proposal.json --keys ./keys
  $ instar upgrade publish upgrade/proposal.json --wait 1m`
    )
    .action(async (file: string, options: PublishOptions) => {
      const path = resolve(io.cwd, file)
      await publishProposals([{ path, proposal: await readProposal(path) }], options, io)
    })
  addPeerOptions(addDryRunOption(addPassphraseOption(addWaitOption(command, 'for other peers and for the join'))), '1m')
}
