import type { Command } from 'commander'
import { onlineKeysOf } from '../authoring/online-keys.js'
import { openKeystore } from '../authoring/open-keystore.js'
import { readTrust } from '../authoring/read-trust.js'
import { submitDocuments } from '../authoring/submit-documents.js'
import { withPeer } from '../control/connect.js'
import type { Io } from '../io.js'
import { addDryRunOption, addPeerOptions, type PeerOptions, type WriteOptions } from '../options/common.js'
import { addPassphraseOption, type PassphraseOptions } from '../options/passphrase.js'
import { createOutput } from '../output/output.js'

interface Options extends PeerOptions, WriteOptions, PassphraseOptions {
  readonly keys: string
}

export function addNetworkRefresh(network: Command, io: Io): void {
  const command = network
    .command('refresh')
    .summary('sign a new timestamp, so that the trust documents stay fresh')
    .description(
      'Signs a new timestamp with the online keys of the keystore, and the snapshot where it is due, and hands them to the local peer, which spreads them. Publishing does so as well. Without either, a network is stale after a week: what runs goes on, and nothing new starts.'
    )
    .requiredOption('--keys <dir>', 'the keystore with the online keys (snapshot, timestamp)')
    .addHelpText('after', '\nExample:\n  $ instar network refresh --keys ./keys --data ./one')
    .action(async (options: Options) => {
      const { freshUntilMs, refreshTimestamp } = await import('@instar/signer')
      const output = createOutput(io, options)
      const keystore = await openKeystore(options, io)
      await withPeer(options, io, async client => {
        const { trusted } = await readTrust(client, io.now())
        const onlineKeys = await onlineKeysOf(keystore, trusted.state)
        const { documents } = await refreshTimestamp(trusted.state, onlineKeys, io.now())
        if (options.dryRun === true) {
          output.result({ dryRun: true }, () => `Dry run: ${documents.length} documents would be signed.`)
          return
        }
        await submitDocuments(client, { documents }, output)
        const after = await readTrust(client, io.now())
        const freshUntil = new Date(freshUntilMs(after.trusted.state)).toISOString()
        output.result({ freshUntil }, () => `The trust documents are fresh until ${freshUntil}.`)
      })
    })
  addPeerOptions(addDryRunOption(addPassphraseOption(command)))
}
