import type { Command } from 'commander'
import type { Io } from '../io.js'
import { addDryRunOption, addJsonOption, type JsonOptions, type WriteOptions } from '../options/common.js'
import { dataDirectoryOf } from '../options/data-directory.js'
import { createOutput } from '../output/output.js'
import { Refused } from '../refused.js'

interface Options extends JsonOptions, WriteOptions {
  readonly data?: string
  readonly yes?: true
}

export function addPeerReset(peer: Command, io: Io): void {
  const command = peer
    .command('reset')
    .summary('let a stopped peer begin anew, as a newcomer')
    .description(
      'For a peer that has diverged, or whose state and journal contradict each other. Moves the state of its object and its journal aside, within the data directory, and deletes nothing. Its identity, the trust documents, its bundles and its audit log stay. At its next start it joins the network like a newcomer: its object begins with its initial state.'
    )
    .option('--data <dir>', 'its data directory (default: $INSTAR_DATA, or .instar here)')
    .option('--yes', 'do not ask')
    .addHelpText('after', '\nExample:\n  $ instar peer stop --data ./one\n  $ instar peer reset --data ./one')
    .action(async (options: Options) => {
      const output = createOutput(io, options)
      const dataDirectory = dataDirectoryOf(options, io)
      if (options.dryRun === true) {
        output.result(
          { dryRun: true, dataDirectory },
          () => `Would move the state and the journal of ${dataDirectory} aside.`
        )
        return
      }
      const question = `The object of this peer begins with its initial state afterwards. Move its state in ${dataDirectory} aside? [y/N] `
      if (options.yes !== true && !/^y(es)?$/i.test((await io.ask(question)).trim()))
        throw new Refused('Nothing was changed.')
      const { resetPeer } = await import('@instar/node')
      const { peer, aside, moved, joinsAsNewcomer } = await resetPeer({ dataDirectory, now: io.now })
      const next = joinsAsNewcomer
        ? 'At its next start it waits for a neighbour and joins as a newcomer'
        : 'It knows no other peer: unless it is started with --bootstrap, it begins at version 1'
      output.result({ peer, aside, moved, joinsAsNewcomer }, () =>
        moved.length === 0
          ? `There was neither a state nor a journal. ${next}.`
          : `The ${moved.join(' and the ')} of ${peer} are in ${aside}. ${next}.`
      )
    })
  addJsonOption(addDryRunOption(command))
}
