import { dirname, join, resolve } from 'node:path'
import { Option, type Command } from 'commander'
import { onlineKeysOf } from '../authoring/online-keys.js'
import { readProposal } from '../authoring/proposal-file.js'
import { openKeystore } from '../authoring/open-keystore.js'
import { readTrust } from '../authoring/read-trust.js'
import { submitDocuments } from '../authoring/submit-documents.js'
import { uploadBundles } from '../authoring/upload-bundles.js'
import { withPeer } from '../control/connect.js'
import type { Io } from '../io.js'
import { addDryRunOption, addPeerOptions, type PeerOptions, type WriteOptions } from '../options/common.js'
import { parseDuration, toWords } from '../options/duration.js'
import { addPassphraseOption, type PassphraseOptions } from '../options/passphrase.js'
import { createOutput } from '../output/output.js'
import { watchSpread } from '../output/watch-spread.js'

interface Options extends PeerOptions, WriteOptions, PassphraseOptions {
  readonly keys: string
  readonly bundles?: string
  readonly wait: number
}

export function addUpgradePublish(upgrade: Command, io: Io): void {
  const command = upgrade
    .command('publish')
    .argument('<proposal>', 'a proposal.json with enough signatures')
    .summary('hand a signed upgrade to the network')
    .description(
      'Uploads the bundles to the local peer, finishes the trust documents with the online keys of the keystore, submits them, and shows how the peers hear of the new version. Publishing cannot be taken back; a later version can supersede it.'
    )
    .requiredOption('--keys <dir>', 'the keystore with the online keys (snapshot, timestamp)')
    .option('--bundles <dir>', 'where the bundles are (default: bundles/ beside the proposal)')
    .addOption(
      new Option('--wait <duration>', 'how long to watch the version reach the other peers; 0s not at all')
        .argParser(parseDuration)
        .default(parseDuration('10s'), '10s')
    )
    .addHelpText('after', '\nExample:\n  $ instar upgrade publish upgrade/proposal.json --keys ./keys')
    .action(async (file: string, options: Options) => {
      const { finishProposal } = await import('@instar/signer')
      const output = createOutput(io, options)
      const path = resolve(io.cwd, file)
      const proposal = await readProposal(path)
      const { version, title } = proposal.descriptor
      const keystore = await openKeystore(options, io)
      await withPeer(options, io, async client => {
        const { trusted } = await readTrust(client, io.now())
        const onlineKeys = await onlineKeysOf(keystore, trusted.state)
        const finished = await finishProposal(proposal, trusted.state, onlineKeys, io.now())
        if (options.dryRun === true) {
          output.result({ dryRun: true, version }, () => `Would publish version ${version}, ${title}.`)
          return
        }
        const folder = resolve(io.cwd, options.bundles ?? join(dirname(path), 'bundles'))
        await uploadBundles(client, proposal, folder, (id, uploaded) =>
          output.result({ bundle: id, uploadedFiles: uploaded }, () =>
            uploaded === 0 ? `The peer has bundle ${id.slice(0, 16)}.` : `Bundle ${id.slice(0, 16)} is at the peer.`
          )
        )
        await submitDocuments(client, finished, output)
        output.result({ published: version }, () => `Version ${version}, ${title}, is published.`)
      })
      if (options.dryRun === true || options.wait === 0) return
      const spread = await watchSpread(options, io, version, options.wait)
      output.result({ version, known: spread.known, peers: spread.peers }, () =>
        spread.known === spread.peers
          ? `All ${spread.peers} other peers know it. Follow it: instar status --watch`
          : `${spread.known} of ${spread.peers} other peers know it after ${toWords(options.wait)}. Follow it: instar status --watch`
      )
    })
  addPeerOptions(addDryRunOption(addPassphraseOption(command)), '1m')
}
