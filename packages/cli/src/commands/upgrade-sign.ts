import { dirname, join, resolve } from 'node:path'
import { InstarError, type Descriptor } from '@instar/core'
import type { Command } from 'commander'
import { checkWords, readCheckRecord } from '../authoring/check-record.js'
import { openKeystore } from '../authoring/open-keystore.js'
import { readProposal, writeProposal } from '../authoring/proposal-file.js'
import { readTrust } from '../authoring/read-trust.js'
import { withPeer } from '../control/connect.js'
import type { Io } from '../io.js'
import { addDryRunOption, addPeerOptions, type PeerOptions, type WriteOptions } from '../options/common.js'
import { addPassphraseOption, type PassphraseOptions } from '../options/passphrase.js'
import { createOutput } from '../output/output.js'
import { Refused } from '../refused.js'

interface Options extends PeerOptions, WriteOptions, PassphraseOptions {
  readonly keys: string
  readonly yes?: true
  readonly rebase?: true
}

export function addUpgradeSign(upgrade: Command, io: Io): void {
  const command = upgrade
    .command('sign')
    .argument('<proposal>', 'the proposal.json that upgrade build wrote')
    .summary('look at a proposal and add your signature')
    .description(
      'Shows in words what a proposal changes and whether it was checked, asks, and adds the signatures of the author keys in the keystore. The ledger in the keystore refuses a second body for one number: what you signed once, you cannot contradict.'
    )
    .requiredOption('--keys <dir>', 'the keystore with an author key')
    .option('-y, --yes', 'sign without being asked')
    .option('--rebase', 'put the change on the newest revision first; signatures start again')
    .addHelpText('after', '\nExample:\n  $ instar upgrade sign upgrade/proposal.json --keys ./keys')
    .action(async (file: string, options: Options) => {
      const { authorizedKeys, describeProposal, isComplete, openLedger, rebaseProposal, signProposal } =
        await import('@instar/signer')
      const output = createOutput(io, options)
      const path = resolve(io.cwd, file)
      const read = await readProposal(path)
      const keystore = await openKeystore(options, io)
      const { trusted } = await withPeer(options, io, async client => readTrust(client, io.now()))
      const authors = authorizedKeys(trusted.state, 'targets')
      const signers = keystore.keysFor('targets').filter(({ key }) => authors.includes(key.keyId))
      if (signers.length === 0)
        throw new InstarError(
          'KeyNotAuthorized',
          `${options.keys} holds no key that this network names as an author's.`
        )
      const base = options.rebase === true ? rebaseProposal(read, trusted.state, io.now()) : read
      const words = describeProposal(base, trusted.state)
      for (const line of words) output.line(line)
      output.line()
      const checks = await checksOf(base.descriptor, dirname(path))
      for (const { text, isWarning } of checks)
        output.line(isWarning ? output.style('yellow', `Warning: ${text}`) : text)
      if (checks.length > 0) output.line()
      if (options.dryRun === true) {
        output.result(
          { dryRun: true, words, checks },
          () => `Would sign it with ${signers.length} key(s) of ${options.keys}.`
        )
        return
      }
      if (options.yes !== true && !isYes(await io.ask('Sign this? [y/N] '))) throw new Refused('Nothing was signed.')
      const ledger = openLedger(join(keystore.directory, 'ledger'))
      let proposal = base
      for (const signer of signers)
        proposal = await signProposal(proposal, { trusted: trusted.state, signer, ledger, nowMs: io.now() })
      await writeProposal(path, proposal)
      const complete = isComplete(proposal, trusted.state)
      const { version } = proposal.descriptor
      output.result({ version, signatures: proposal.signatures.length, complete, checks }, () =>
        complete
          ? `Signed. The threshold is met; anyone with online keys may publish it:\n  instar upgrade publish ${file} --keys ${options.keys}`
          : `Signed: ${proposal.signatures.length} signature(s). Pass ${file} on to the next author.`
      )
    })
  addPeerOptions(addDryRunOption(addPassphraseOption(command)))
}

/** Of every class that there was before. */
function checksOf({ classes }: Descriptor, folder: string): Promise<ReadonlyArray<ReturnType<typeof checkWords>>> {
  const changed = classes.filter(each => each.oldClass !== undefined)
  return Promise.all(changed.map(async each => checkWords(each.newClass, await readCheckRecord(folder, each.bundle))))
}

function isYes(answer: string): boolean {
  return /^\s*y(es)?\s*$/i.test(answer)
}
