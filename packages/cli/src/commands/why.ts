import type { Command } from 'commander'
import { withPeer } from '../control/connect.js'
import type { Io } from '../io.js'
import { addPeerOptions, type PeerOptions } from '../options/common.js'
import { createOutput } from '../output/output.js'
import { resolvePeer } from '../output/peer-name.js'
import { whyText } from '../output/why-text.js'

export function addWhy(program: Command, io: Io): void {
  const command = program
    .command('why')
    .argument('[peer]', 'a peer id or its end (default: the peer that is asked)')
    .summary('why a peer is where it is')
    .description(
      'Says for each version which gate is closed (trust, health, limit, schedule), by which rule, and for which peers it waits. Then which methods went wrong here since the peer started.'
    )
    .addHelpText('after', '\nExamples:\n  $ instar why\n  $ instar why kWq3xYzA --data ./one')
    .action(async (peer: string | undefined, options: PeerOptions) => {
      const output = createOutput(io, options)
      const why = await withPeer(options, io, async client =>
        client.why(peer === undefined ? undefined : resolvePeer(peer, await client.status()))
      )
      output.result(why, () => whyText(why, output, io.now()))
    })
  addPeerOptions(command)
}
