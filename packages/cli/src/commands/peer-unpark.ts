import type { Command } from 'commander'
import { withPeer } from '../control/connect.js'
import type { Io } from '../io.js'
import { addPeerOptions, type PeerOptions } from '../options/common.js'
import { createOutput } from '../output/output.js'

export function addPeerUnpark(peer: Command, io: Io): void {
  const command = peer
    .command('unpark')
    .summary('let a parked host start again')
    .description(
      'Lets the host of a peer start again that was parked because it crashed as often in a row as `instar policy set park-after-crashes` allows.'
    )
    .addHelpText('after', '\nExample:\n  $ instar peer unpark --data ./one')
    .action(async (options: PeerOptions) => {
      await withPeer(options, io, async client => client.unpark())
      createOutput(io, options).result({ unparked: true }, () => 'Its host starts again.')
    })
  addPeerOptions(command)
}
