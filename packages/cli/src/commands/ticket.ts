import { encodeTicket, InstarError, parseTicket, type TicketInvitation } from '@instar/core'
import type { Command } from 'commander'
import { admissionKeysOf, assertClassIsKnown } from '../authoring/admission-keys.js'
import { readTrust } from '../authoring/read-trust.js'
import { withPeer } from '../control/connect.js'
import type { ControlClient } from '../control/control-client.js'
import type { Io } from '../io.js'
import { addPeerOptions, type PeerOptions } from '../options/common.js'
import { parseDuration } from '../options/duration.js'
import { collect } from '../options/numbers.js'
import { addPassphraseOption, type PassphraseOptions } from '../options/passphrase.js'
import { createOutput } from '../output/output.js'

interface Options extends PeerOptions, PassphraseOptions {
  readonly invite?: true
  readonly class?: string
  readonly group?: readonly string[]
  readonly expires: number
  readonly keys?: string
}

const lifeDefault = '7d'

export function addTicket(program: Command, io: Io): void {
  const command = program
    .command('ticket')
    .summary('print the string with which another peer can join')
    .description(
      'Prints one string that holds the network id and addresses of the peer. It is no secret. With --invite it also holds an invitation: then it admits whoever has it, as many peers as they like, until it ends, and is to be kept like a password; instar revoke <serial> takes it back, with all who came through it.'
    )
    .option('--invite', 'put an invitation in it, signed with an admission key')
    .option('--class <name>', 'the class that it admits to')
    .option('--group <name>', 'a replica group that it admits to; may be repeated', collect)
    .option(
      '--expires <duration>',
      `when the invitation ends, and all that came through it, at most 90d (default: ${lifeDefault})`,
      parseDuration,
      parseDuration(lifeDefault)
    )
    .option('--keys <dir>', 'the keystore with an admission key')
    .addHelpText(
      'after',
      `
Examples:
  $ instar join "$(instar ticket --data ./one)" --class int-set --data ./two
  $ instar ticket --invite --class int-set --expires 1d --keys ./keys --data ./one`
    )
    .action(async (options: Options) => {
      const output = createOutput(io, options)
      await withPeer(options, io, async client => {
        const ticket = await client.ticket()
        if (options.invite !== true) {
          output.result({ ticket }, () => ticket)
          return
        }
        const { invitation, serial, expiresMs } = await invite(client, options, io)
        const whole = encodeTicket({ ...parseTicket(ticket), invitation })
        const expires = new Date(expiresMs).toISOString()
        io.err(
          `Keep this ticket secret: it admits whoever has it until ${expires}. instar revoke ${serial} takes it back.\n`
        )
        output.result({ ticket: whole, serial, expires }, () => whole)
      })
    })
  addPeerOptions(addPassphraseOption(command))
}

interface Invited {
  readonly invitation: TicketInvitation
  readonly serial: string
  readonly expiresMs: number
}

/** @throws InstarError BadInput, KeyNotAuthorized */
async function invite(client: ControlClient, options: Options, io: Io): Promise<Invited> {
  const { createInvitation } = await import('@instar/signer')
  const { class: className, keys, group = [] } = options
  if (className === undefined || keys === undefined)
    throw new InstarError(
      'BadInput',
      'An invitation needs to know what it admits to, and a key: give --class <name> and --keys <dir>.'
    )
  const { network, trusted, upgrades } = await readTrust(client, io.now())
  assertClassIsKnown(className, upgrades)
  const { signers, threshold, ledger } = await admissionKeysOf({ ...options, keys }, trusted.state, io)
  if (signers.length < threshold)
    throw new InstarError(
      'BadInput',
      `An invitation needs the signatures of ${threshold} admission keys at once, and ${signers.length} are at hand: admit peers one by one instead (instar admit --out, instar certificate sign).`
    )
  const terms = { network, class: className, groups: group, nowMs: io.now(), lifeMs: options.expires }
  const { invitation, bearer } = await createInvitation(terms, signers)
  const { serial, expiresMs } = invitation
  await ledger.record({
    network,
    kind: 'invitation',
    serial,
    class: className,
    groups: [...group],
    expiresMs,
    atMs: io.now()
  })
  const document = Buffer.from(bearer.document).toString('base64')
  return { invitation: { document, secret: bearer.secret }, serial, expiresMs }
}
