import type { Command } from 'commander'
import { withPeer } from '../control/connect.js'
import type { Io } from '../io.js'
import { addPeerOptions, type PeerOptions } from '../options/common.js'
import { createOutput } from '../output/output.js'

export function addTicket(program: Command, io: Io): void {
  const command = program
    .command('ticket')
    .summary('print the string with which another peer can join')
    .description('Prints one string that holds the network id and addresses of the peer. It is no secret.')
    .addHelpText('after', '\nExample:\n  $ instar join "$(instar ticket --data ./one)" --class int-set --data ./two')
    .action(async (options: PeerOptions) => {
      const ticket = await withPeer(options, io, async client => client.ticket())
      createOutput(io, options).result({ ticket }, () => ticket)
    })
  addPeerOptions(command)
}
