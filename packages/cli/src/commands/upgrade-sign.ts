import type { Command } from 'commander'
import { signProposalFile, type SignProposalOptions } from '../authoring/sign-proposal.js'
import type { Io } from '../io.js'
import { addDryRunOption, addPeerOptions } from '../options/common.js'
import { addYesOption } from '../options/proposal.js'

export function addUpgradeSign(upgrade: Command, io: Io): void {
  const command = upgrade
    .command('sign')
    .argument('<proposal>', 'the proposal.json that upgrade build wrote')
    .summary('look at a proposal and add your signature')
    .description(
      'Shows in words what a proposal changes and whether it was checked, asks, and adds the signatures of the author keys in the keystore. The ledger in the keystore refuses a second body for one number: what you signed once, you cannot contradict.'
    )
    .requiredOption('--keys <dir>', 'the keystore with an author key')
    .option('--rebase', 'put the change on the newest revision first; signatures start again')
    .addHelpText('after', '\nExample:\n  $ instar upgrade sign upgrade/proposal.json --keys ./keys')
    .action(async (file: string, options: SignProposalOptions) => signProposalFile(file, options, io))
  addPeerOptions(addDryRunOption(addYesOption(command)))
}
