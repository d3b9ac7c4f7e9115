import type { Proposal } from '@instar/signer'
import { InvalidArgumentError, type Command } from 'commander'
import { offerProposal } from '../authoring/offer-proposal.js'
import type { ProposalBase } from '../authoring/proposal-base.js'
import type { Io } from '../io.js'
import { collect, parseVersion } from '../options/numbers.js'
import { addOfferOptions, type OfferOptions } from '../options/proposal.js'

const roles = ['root', 'targets', 'halt', 'admission'] as const
type RenewedRole = (typeof roles)[number]

interface Options extends OfferOptions {
  readonly role: RenewedRole
  readonly upTo?: number
  readonly without?: readonly string[]
}

export function addNetworkRenew(network: Command, io: Io): void {
  const command = network
    .command('renew')
    .summary('propose the same again: before it expires, or after a rotation dropped it')
    .description(
      'Writes a proposal for the next document of a role that says the same for longer. Where a rotation dropped the document, the next one says again what it said: pass the rotation with --after, so that nothing is missing in between, and leave out what a thief put there. Snapshot and timestamp need no proposal: see instar network refresh.'
    )
    .requiredOption('--role <role>', roles.join(', '), parseRenewedRole)
    .option('--up-to <version>', 'of dropped targets: the last version that counts (default: the newest)', parseVersion)
    .option(
      '--without <path>',
      'of a dropped document: leave this out (halt/3, admission/group-north; of targets: halt, admission)',
      collect
    )
    .addHelpText(
      'after',
      `
Examples:
  $ instar network renew --role root -o root.json
  $ instar network renew --role targets --after rotation.json --up-to 6 -o targets.json`
    )
    .action(async (options: Options) => {
      await offerProposal(async base => renewal(base, options, io), options, io)
    })
  addOfferOptions(command, 'renewal.json')
}

async function renewal({ trusted, before }: ProposalBase, options: Options, io: Io): Promise<Proposal> {
  const signer = await import('@instar/signer')
  const { propose } = signer
  const { number } = options
  const init = { trusted, before, nowMs: io.now(), ...(number === undefined ? {} : { number }) }
  const without = options.without ?? []
  switch (options.role) {
    case 'root':
      return propose('root', { roles: {}, decisions: [] }, init)
    case 'targets':
      return propose('targets', signer.targetsAgain(trusted, before, { upTo: options.upTo ?? Infinity, without }), init)
    case 'halt':
      return propose('halt', signer.haltsAgain(trusted, before, without), init)
    case 'admission':
      return propose('admission', signer.admissionAgain(trusted, before, without), init)
  }
}

function parseRenewedRole(text: string): RenewedRole {
  const role = roles.find(each => each === text)
  if (role === undefined) throw new InvalidArgumentError(`A role is one of ${roles.join(', ')}.`)
  return role
}
