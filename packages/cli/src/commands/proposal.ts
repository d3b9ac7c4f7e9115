import { resolve } from 'node:path'
import type { Command } from 'commander'
import { readProposalBase } from '../authoring/proposal-base.js'
import { readProposal } from '../authoring/proposal-file.js'
import { publishProposals, type PublishOptions } from '../authoring/publish-proposals.js'
import { signProposalFile, type SignProposalOptions } from '../authoring/sign-proposal.js'
import { withPeer } from '../control/connect.js'
import type { Io } from '../io.js'
import { addDryRunOption, addPeerOptions, type PeerOptions } from '../options/common.js'
import { addPassphraseOption } from '../options/passphrase.js'
import { addAfterOption, addNumberOption, addWaitOption, addYesOption } from '../options/proposal.js'
import { createOutput } from '../output/output.js'

export function addProposalShow(proposal: Command, io: Io): void {
  const command = proposal
    .command('show')
    .argument('<proposal>', 'a file that another command wrote')
    .summary('say in words what a proposal changes, and who has signed')
    .description(
      'Shows what a proposal changes, as a signer sees it before signing: judged by what the local peer trusts, not by what the file says of itself. Signs nothing.'
    )
    .addHelpText('after', '\nExample:\n  $ instar proposal show rotation.json')
    .action(async (file: string, options: PeerOptions & { readonly after?: readonly string[] }) => {
      const { describeProposal, isComplete } = await import('@instar/signer')
      const output = createOutput(io, options)
      const read = await readProposal(resolve(io.cwd, file))
      const { trusted } = await withPeer(options, io, async client => readProposalBase(client, options.after ?? [], io))
      const words = describeProposal(read, trusted)
      output.result({ kind: read.kind, words, complete: isComplete(read, trusted) }, () => words.join('\n'))
    })
  addPeerOptions(addAfterOption(command))
}

export function addProposalSign(proposal: Command, io: Io): void {
  const command = proposal
    .command('sign')
    .argument('<proposal>', 'a file that another command wrote')
    .summary('look at a proposal and add your signature')
    .description(
      'Shows in words what a proposal of any kind changes, asks, and adds the signatures of your keys that it needs. Your tool builds the document again from what your own peer trusts, and signs only if it comes out the same. The ledger in the keystore refuses a second body for one number: what you signed once, you cannot contradict.'
    )
    .requiredOption('--keys <dir>', 'the keystore with your key')
    .option('--rebase', 'put the change on the newest document first; signatures start again')
    .addHelpText(
      'after',
      `
Examples:
  $ instar proposal sign rotation.json --keys ./keys
  $ instar proposal sign targets.json --after rotation.json --keys ./keys`
    )
    .action(async (file: string, options: SignProposalOptions) => signProposalFile(file, options, io))
  addPeerOptions(addDryRunOption(addNumberOption(addAfterOption(addYesOption(command)))))
}

export function addProposalPublish(proposal: Command, io: Io): void {
  const command = proposal
    .command('publish')
    .argument('<proposals...>', 'files with enough signatures, in the order in which they follow each other')
    .summary('hand signed proposals to the network')
    .description(
      'Publishes what has enough signatures, from any peer; it needs no key. Several proposals are published in one go: a rotation, and what is signed again under the new keys. First the peer catches up with all that are connected, and nothing is published beside another body for the same number. Then the documents are joined by the online keys of --keys, or by any peer that holds online keys; the command waits for it and says so when nobody did. Repeating it is harmless.'
    )
    .option('--keys <dir>', 'a keystore with online keys (snapshot, timestamp), if you have them')
    .option(
      '--irreversible',
      'publish an upgrade that has no way back without being asked, twice, whether that is meant'
    )
    .option('--bundles <dir>', 'of an upgrade: where the bundles are (default: bundles/ beside the proposal)')
    .addHelpText(
      'after',
      `
Examples:
  $ instar proposal publish halt.json
  $ instar proposal publish rotation.json targets.json --wait 1m`
    )
    .action(async (files: readonly string[], options: PublishOptions) => {
      const paths = files.map(file => resolve(io.cwd, file))
      const ready = await Promise.all(paths.map(async path => ({ path, proposal: await readProposal(path) })))
      await publishProposals(ready, options, io)
    })
  addPeerOptions(addDryRunOption(addPassphraseOption(addWaitOption(command, 'for other peers and for the join'))), '1m')
}
