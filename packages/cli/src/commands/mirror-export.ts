import { resolve } from 'node:path'
import { bundlesFolderOf } from '@instar/node/control'
import type { Command } from 'commander'
import { count } from '../carrying/carried-text.js'
import { withCarriedPeer } from '../carrying/with-carried-peer.js'
import type { Io } from '../io.js'
import { addDryRunOption, addPeerOptions, type PeerOptions, type WriteOptions } from '../options/common.js'
import { dataDirectoryOf } from '../options/data-directory.js'
import { createOutput } from '../output/output.js'

interface Options extends PeerOptions, WriteOptions {
  readonly bundles?: true
}

export function addMirrorExport(mirror: Command, io: Io): void {
  const command = mirror
    .command('export')
    .argument('<dir>', 'where the mirror lies; made, or brought up to date')
    .summary('write what a peer trusts as a TUF repository')
    .description(
      'Writes what a peer trusts as an ordinary TUF repository of files, which any web server may serve and any TUF client reads: metadata/, targets/ with descriptors and halt orders, and bundles/ when asked. The peer may run or not. Repeat it before the trust of the mirror ends.'
    )
    .option('--bundles', 'the code of all versions too')
    .addHelpText('after', '\nExample:\n  $ instar mirror export /srv/www/upgrades --bundles --data ./one')
    .action(async (directory: string, options: Options) => {
      const output = createOutput(io, options)
      const { exportMirror } = await import('@instar/node/mirror')
      const exported = await withCarriedPeer(options, io, async peer =>
        exportMirror({
          network: peer.network,
          trusted: await peer.trustDocuments(),
          directory: resolve(io.cwd, directory),
          nowMs: io.now(),
          bundles: options.bundles === true ? bundlesFolderOf(dataDirectoryOf(options, io)) : undefined,
          dryRun: options.dryRun === true
        })
      )
      const until = new Date(exported.freshUntilMs).toISOString()
      output.result({ directory, ...exported }, () =>
        [
          `${options.dryRun === true ? 'Would write' : 'Wrote'} ${count(exported.written, 'file')} to ${directory}; ${exported.kept} stay as they are. ${count(exported.bundles.length, 'bundle')}.`,
          `Its readers trust it until ${until}: export again before.`,
          ...exported.missingBundles.map(
            id => `The bundle ${id.slice(0, 16)} is not on this peer and not in the mirror.`
          )
        ].join('\n')
      )
    })
  addPeerOptions(addDryRunOption(command))
}
