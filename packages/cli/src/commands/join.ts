import { parseTicket } from '@instar/core'
import type { Command } from 'commander'
import type { Io } from '../io.js'
import { addJsonOption, type JsonOptions } from '../options/common.js'
import { dataDirectoryOf } from '../options/data-directory.js'
import { collect } from '../options/numbers.js'
import { runPeer } from '../peer/run-peer.js'

interface Options extends JsonOptions {
  readonly data?: string
  readonly listen?: readonly string[]
  readonly class?: string
  readonly group?: readonly string[]
}

export function addJoin(program: Command, io: Io): void {
  const command = program
    .command('join')
    .argument('<ticket>', 'what instar ticket printed at any peer of the network')
    .summary('start a new peer of a network from a ticket')
    .description(
      'Starts a new peer: it finds the network by the ticket, verifies everything from the trust root on, fetches the code, and runs until Ctrl-C. Later, instar peer start is enough. A ticket with an invitation also admits it, until the invitation ends.'
    )
    .option('--data <dir>', 'its data directory (default: $INSTAR_DATA, or .instar here)')
    .option(
      '--class <name>',
      'the class of its object (default: that of the invitation, or the only class of the network)'
    )
    .option('--group <name>', 'a replica group that it belongs to; may be repeated', collect)
    .option(
      '--listen <multiaddr>',
      'address to listen on; may be repeated (default: a free port on all interfaces)',
      collect
    )
    .addHelpText('after', '\nExample:\n  $ instar join "$(instar ticket --data ./one)" --data ./two')
    .action(async (ticket: string, options: Options) => {
      parseTicket(ticket)
      await runPeer(io, options, {
        dataDirectory: dataDirectoryOf(options, io),
        ticket,
        ...(options.class === undefined ? {} : { className: options.class }),
        ...(options.listen === undefined ? {} : { listen: options.listen }),
        ...(options.group === undefined ? {} : { groups: options.group })
      })
    })
  addJsonOption(command)
}
