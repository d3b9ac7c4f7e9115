import { resolve } from 'node:path'
import { bundlesFolderOf } from '@instar/node/control'
import type { Command } from 'commander'
import { count } from '../carrying/carried-text.js'
import { withCarriedPeer } from '../carrying/with-carried-peer.js'
import type { Io } from '../io.js'
import { addDryRunOption, addPeerOptions, type PeerOptions, type WriteOptions } from '../options/common.js'
import { dataDirectoryOf } from '../options/data-directory.js'
import { parseVersion } from '../options/numbers.js'
import { createOutput } from '../output/output.js'
import { toSizeWords } from '../output/size-words.js'

interface Options extends PeerOptions, WriteOptions {
  readonly from?: number
  readonly to?: number
  readonly bundles: boolean
}

export function addBundleExport(bundle: Command, io: Io): void {
  const command = bundle
    .command('export')
    .argument('<file>', 'the file to write; replaced when the new one is whole')
    .summary('write what a peer trusts, and the code, into one file')
    .description(
      'Writes the trust documents of a peer, what peers have announced of themselves, and the descriptors and bundles of a span of versions, into one file that another peer takes without a network. The peer may run or not; what it announces of itself is in the file only where it runs.'
    )
    .option('--from <version>', 'first version (default: 1)', parseVersion)
    .option('--to <version>', 'last version (default: the newest that the peer knows)', parseVersion)
    .option('--no-bundles', 'trust documents and descriptors only')
    .addHelpText('after', '\nExample:\n  $ instar bundle export network.instar --from 7 --data ./one')
    .action(async (file: string, options: Options) => {
      const output = createOutput(io, options)
      const { exportOffline } = await import('@instar/node/mirror')
      const exported = await withCarriedPeer(options, io, async peer =>
        exportOffline({
          network: peer.network,
          trusted: await peer.trustDocuments(),
          announcements: await peer.announcements(),
          file: resolve(io.cwd, file),
          from: options.from,
          to: options.to,
          bundles: options.bundles ? bundlesFolderOf(dataDirectoryOf(options, io)) : undefined,
          now: io.now,
          dryRun: options.dryRun === true,
          onStep: step => output.line(`  ${step}`)
        })
      )
      output.result({ file, ...exported }, () =>
        [
          `${options.dryRun === true ? 'Would write' : 'Wrote'} ${file}: versions ${exported.from} to ${exported.to}, ${count(exported.documents, 'trust document')}, ${count(exported.announcements, 'announcement')}, ${count(exported.bundles.length, 'bundle')}${exported.bytes === 0 ? '' : `, ${toSizeWords(exported.bytes)}`}.`,
          ...exported.missingBundles.map(id => `The bundle ${id.slice(0, 16)} is not on this peer and not in the file.`)
        ].join('\n')
      )
    })
  addPeerOptions(addDryRunOption(command))
}
