import { resolve } from 'node:path'
import type { Command } from 'commander'
import { carriedText, count } from '../carrying/carried-text.js'
import { withCarriedPeer } from '../carrying/with-carried-peer.js'
import type { Io } from '../io.js'
import { addDryRunOption, addPeerOptions, type PeerOptions, type WriteOptions } from '../options/common.js'
import { createOutput } from '../output/output.js'
import { toSizeWords } from '../output/size-words.js'

type Options = PeerOptions & WriteOptions

export function addBundleImport(bundle: Command, io: Io): void {
  const command = bundle
    .command('import')
    .argument('<file>', 'what instar bundle export wrote')
    .summary('bring such a file to a peer')
    .description(
      'Brings the trust documents, announcements, descriptors and bundles of a file to a peer, running or not. The file is read through first; then the peer verifies everything as if a neighbour had sent it. What enough others had committed when the file was made, it takes in one switch. It can be stopped and repeated at any time.'
    )
    .addHelpText('after', '\nExample:\n  $ instar bundle import network.instar --data ./two')
    .action(async (file: string, options: Options) => {
      const output = createOutput(io, options)
      const { importOffline } = await import('@instar/node/mirror')
      const dryRun = options.dryRun === true
      const imported = await withCarriedPeer(options, io, peer =>
        importOffline({
          peer,
          file: resolve(io.cwd, file),
          nowMs: io.now(),
          dryRun,
          onStep: step => output.line(`  ${step}`)
        })
      )
      const { index, descriptors, announcements, bytes, ...carried } = imported
      output.result({ file, network: index.network, from: index.from, to: index.to, ...carried }, () =>
        [
          `${file}, made ${index.made}: versions ${index.from} to ${index.to}, ${count(descriptors, 'descriptor')}, ${count(announcements, 'announcement')}, ${count(index.bundles.length, 'bundle')}, ${toSizeWords(bytes)}.`,
          carriedText(carried, dryRun)
        ].join('\n')
      )
    })
  addPeerOptions(addDryRunOption(command))
}
