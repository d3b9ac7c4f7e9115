import type { Command } from 'commander'
import { carriedText } from '../carrying/carried-text.js'
import { withCarriedPeer } from '../carrying/with-carried-peer.js'
import type { Io } from '../io.js'
import { addDryRunOption, addPeerOptions, type PeerOptions, type WriteOptions } from '../options/common.js'
import { createOutput } from '../output/output.js'

interface Options extends PeerOptions, WriteOptions {
  readonly bundles?: true
}

export function addMirrorImport(mirror: Command, io: Io): void {
  const command = mirror
    .command('import')
    .argument('<source>', 'directory or http address of a mirror')
    .summary('bring what a mirror has to a peer')
    .description(
      'Reads a static mirror as strictly as the TUF specification asks, and brings what it found to a peer, running or not, which verifies it as if a neighbour had sent it. A mirror that is behind takes nothing back.'
    )
    .option('--bundles', 'the code too, where the mirror has it')
    .addHelpText('after', '\nExample:\n  $ instar mirror import https://upgrades.example.org/ --data ./two')
    .action(async (source: string, options: Options) => {
      const output = createOutput(io, options)
      const { importMirror, openMirror } = await import('@instar/node/mirror')
      const dryRun = options.dryRun === true
      const carried = await withCarriedPeer(options, io, peer =>
        importMirror({
          peer,
          mirror: openMirror(source, { cwd: io.cwd }),
          nowMs: io.now(),
          withBundles: options.bundles === true,
          dryRun,
          onStep: step => output.line(`  ${step}`)
        })
      )
      output.result({ source, ...carried }, () => carriedText(carried, dryRun))
    })
  addPeerOptions(addDryRunOption(command))
}
