import { resolve } from 'node:path'
import { InstarError } from '@instar/core'
import type { Command } from 'commander'
import { admissionKeysOf, assertClassIsKnown } from '../authoring/admission-keys.js'
import { handInWords } from '../authoring/hand-in.js'
import { readTrust } from '../authoring/read-trust.js'
import { writeAtomically } from '../authoring/write-atomically.js'
import { withPeer } from '../control/connect.js'
import type { Io } from '../io.js'
import { addDryRunOption, addPeerOptions, type PeerOptions, type WriteOptions } from '../options/common.js'
import { parseDuration, toWords } from '../options/duration.js'
import { collect } from '../options/numbers.js'
import { addPassphraseOption, type PassphraseOptions } from '../options/passphrase.js'
import { createOutput } from '../output/output.js'

interface Options extends PeerOptions, WriteOptions, PassphraseOptions {
  readonly class: string
  readonly group?: readonly string[]
  readonly expires: number
  readonly keys: string
  readonly out?: string
}

const lifeDefault = '90d'

export function addAdmit(program: Command, io: Io): void {
  const command = program
    .command('admit')
    .argument('<peer>', 'the whole id of a peer; instar status shows it there')
    .summary('sign a certificate, so that what a peer announces counts')
    .description(
      'Signs a certificate for a peer with an admission key and hands it to the local peer, which passes it on to its subject, now or when the two meet. It says what class and groups the peer is admitted to, for at most 90 days: the peer warns before it ends, and the same command renews it. Where several keys must sign, it is written to a file for the next (see certificate sign). Under the policy open every peer counts anyway; see network policy.'
    )
    .requiredOption('--class <name>', 'the class of its object')
    .option('--group <name>', 'a replica group that it may be in; may be repeated', collect)
    .option(
      '--expires <duration>',
      `how long it counts, at most 90d (default: ${lifeDefault})`,
      parseDuration,
      parseDuration(lifeDefault)
    )
    .requiredOption('--keys <dir>', 'the keystore with an admission key')
    .option('-o, --out <file>', 'write it to a file and hand it to nobody')
    .addHelpText(
      'after',
      `
Examples:
  $ instar admit 12D3KooWEyoppNCUx8Yx66oV9fJnriXwCcXwDDUA2kj6vnc6iDEp --class IntSet --keys ./keys
  $ instar admit 12D3KooW… --class IntSet --group north --expires 30d --out peer.json --keys ./keys`
    )
    .action(async (peer: string, options: Options) => {
      const { issueCertificate, parseCertificate, admissionOf } = await import('@instar/signer')
      const output = createOutput(io, options)
      await withPeer(options, io, async client => {
        const { network, trusted, upgrades } = await readTrust(client, io.now())
        assertClassIsKnown(options.class, upgrades)
        const keys = await admissionKeysOf(options, trusted.state, io)
        const isComplete = keys.signers.length >= keys.threshold
        if (!isComplete && options.out === undefined)
          throw new InstarError(
            'BadInput',
            `${keys.threshold} admission keys must sign, and ${keys.signers.length} are at hand: write it with --out <file>, and pass it on to be signed with instar certificate sign.`
          )
        const groups = options.group ?? []
        const what = `${peer} as ${options.class}${groups.length > 0 ? ` in ${groups.join(', ')}` : ''} for ${toWords(options.expires)}`
        if (options.dryRun === true) {
          output.result({ dryRun: true, peer, class: options.class, groups }, () => `Dry run: would admit ${what}.`)
          return
        }
        const init = { network, peer, class: options.class, groups, nowMs: io.now(), lifeMs: options.expires }
        const bytes = await issueCertificate(init, keys.signers)
        const { serial, expiresMs } = parseCertificate(bytes, network)
        // On disk before the certificate is: what nobody remembers nobody can revoke.
        await keys.ledger.record({
          network,
          kind: 'certificate',
          serial,
          peer,
          class: options.class,
          groups: [...groups],
          expiresMs,
          atMs: io.now()
        })
        if (admissionOf(trusted.state).policy === 'open')
          output.line(
            'Note: the policy is open, so every peer counts; certificates count once it is closed (instar network policy certificate).'
          )
        const record = { peer, serial, class: options.class, groups, expires: new Date(expiresMs).toISOString() }
        if (options.out !== undefined) {
          await writeAtomically(resolve(io.cwd, options.out), bytes)
          output.result({ ...record, out: options.out, complete: isComplete }, () =>
            isComplete
              ? `Admitted ${what}. The certificate is in ${options.out}; any peer takes it: instar certificate add ${options.out}`
              : `Signed with ${keys.signers.length} of ${keys.threshold} keys: ${options.out} goes to the next who signs: instar certificate sign ${options.out} --keys <dir>`
          )
          return
        }
        const { outcome } = await client.submitCertificate(bytes)
        output.result({ ...record, outcome }, () => `Admitted ${what}, certificate ${serial}. ${handInWords(outcome)}`)
      })
    })
  addPeerOptions(addDryRunOption(addPassphraseOption(command)))
}
