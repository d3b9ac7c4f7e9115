import type { Command } from 'commander'
import { withPeer } from '../control/connect.js'
import type { Io } from '../io.js'
import { addPeerOptions, type PeerOptions } from '../options/common.js'
import { createOutput } from '../output/output.js'

export function addPeerStop(peer: Command, io: Io): void {
  const command = peer
    .command('stop')
    .summary('stop a running peer cleanly')
    .description('Asks the running peer to stop: running calls end first, and it comes back where it was.')
    .addHelpText('after', '\nExample:\n  $ instar peer stop --data ./one')
    .action(async (options: PeerOptions) => {
      await withPeer(options, io, async client => client.stop())
      createOutput(io, options).result({ stopping: true }, () => 'It stops.')
    })
  addPeerOptions(command)
}
