import { join, resolve } from 'node:path'
import { InstarError } from '@instar/core'
import type { PeerStatus } from '@instar/node/control'
import type { Issued } from '@instar/signer'
import type { Command } from 'commander'
import { admissionLedgerFile } from '../authoring/admission-keys.js'
import { carryOut, type CarryOutOptions } from '../authoring/carry-out.js'
import { withPeer } from '../control/connect.js'
import type { Io } from '../io.js'
import { addOfferOptions, addWaitOption, addYesOption } from '../options/proposal.js'
import { createOutput } from '../output/output.js'

const serialText = /^[0-9a-f]{32}$/
const dayMs = 86_400_000

export function addRevoke(program: Command, io: Io): void {
  const command = program
    .command('revoke')
    .argument('<peer or serial>', 'a whole peer id, or the serial of a certificate or an invitation')
    .summary('take back what admits a peer')
    .description(
      'Signs the next admission document, in which every certificate of a peer that is known here counts no more: from the record beside the keys, and from what the peer shows. Where it came through an invitation, that is revoked too, and with it everybody who came through it: otherwise the peer could admit itself again. Serials that have expired are left out of the new document.'
    )
    .option('--keys <dir>', 'a keystore with an admission key; without it a proposal is written')
    .addHelpText(
      'after',
      `
Examples:
  $ instar revoke 12D3KooWEyoppNCUx8Yx66oV9fJnriXwCcXwDDUA2kj6vnc6iDEp --keys ./keys
  $ instar revoke 3f0c9a5be1d24c78a6b0d1e2f3a4b5c6 --keys ./keys --yes`
    )
    .action(async (text: string, options: CarryOutOptions) => {
      const { admissionOf, openAdmissionLedger, propose } = await import('@instar/signer')
      const output = createOutput(io, options)
      const status = await withPeer(options, io, async client => client.status())
      const issued =
        options.keys === undefined
          ? []
          : await openAdmissionLedger(join(resolve(io.cwd, options.keys), admissionLedgerFile)).issued(status.network)
      const revoke = serialText.test(text) ? [text] : serialsOf(text, status, issued, io.now())
      for (const peer of throughThese(status, revoke)) output.line(`This takes ${peer} with it.`)
      await carryOut(
        async ({ trusted, before }, number) => {
          const { revoked } = admissionOf(trusted)
          const over = new Set(issued.filter(each => each.expiresMs < io.now() - dayMs).map(each => each.serial))
          const forget = [...revoked].filter(each => over.has(each))
          const numbered = number === undefined ? {} : { number }
          return propose('admission', { revoke, forget }, { trusted, before, nowMs: io.now(), ...numbered })
        },
        options,
        io
      )
    })
  addOfferOptions(addWaitOption(addYesOption(command), 'until other peers have it'), 'revocation.json')
}

/** @throws InstarError BadInput when nothing is known that could be taken back */
function serialsOf(peer: string, status: PeerStatus, issued: readonly Issued[], nowMs: number): readonly string[] {
  const shown = shownBy(peer, status)
  const recorded = issued.filter(each => each.peer === peer && each.expiresMs > nowMs).map(each => each.serial)
  const serials = [...new Set([...recorded, ...shown])].sort()
  if (serials.length > 0) return serials
  throw new InstarError(
    'BadInput',
    `No certificate of ${peer} is known, neither beside the keys nor at this peer: give the serial, or name the keystore that signed it with --keys.`
  )
}

function shownBy(peer: string, status: PeerStatus): readonly string[] {
  const certificate = peer === status.peer ? status.admission.certificate : find(peer, status)
  if (certificate === undefined) return []
  return certificate.invitation === undefined ? [certificate.serial] : [certificate.serial, certificate.invitation]
}

function find(peer: string, status: PeerStatus) {
  return status.peers.find(each => each.peer === peer)?.certificate
}

/** Whom the revocation of an invitation takes along. */
function throughThese(status: PeerStatus, serials: readonly string[]): readonly string[] {
  return status.peers
    .filter(({ certificate }) => certificate?.invitation !== undefined && serials.includes(certificate.invitation))
    .map(({ peer }) => peer)
}
