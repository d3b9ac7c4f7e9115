import { InstarError } from '@instar/core'
import type { MetadataRole, Proposal } from '@instar/signer'
import type { Command } from 'commander'
import { offerProposal } from '../authoring/offer-proposal.js'
import type { ProposalBase } from '../authoring/proposal-base.js'
import { roleChangesOf, type RoleChanges, type RotationWords } from '../authoring/role-changes.js'
import type { Io } from '../io.js'
import { parseRole } from '../options/key-role.js'
import { collect } from '../options/numbers.js'
import { addOfferOptions, type OfferOptions } from '../options/proposal.js'
import { collectThreshold } from '../options/role-threshold.js'

interface Options extends OfferOptions, RotationWords {}

export function addNetworkRotate(network: Command, io: Io): void {
  const command = network
    .command('rotate')
    .summary('propose other keys or thresholds for a role')
    .description(
      'Writes a proposal that changes whose keys count: of root, targets, snapshot and timestamp in the next root, which the root keys sign; of halt and admission in the next targets, which the authors sign. A key that goes takes with it what too few others signed: what ends, and has to be signed again, is said before anyone signs.'
    )
    .option(
      '--role <role>',
      'the role (default: the one that an added key was made for, or that a removed key has)',
      parseRole
    )
    .option('--add <file>', 'a public key, as instar keys export-public prints it; may be repeated', collect)
    .option('--remove <key>', 'a key, by at least 8 digits of its id; may be repeated', collect)
    .option('--threshold <role=n>', 'how many keys of a role must sign; may be repeated', collectThreshold)
    .addHelpText(
      'after',
      `
Examples:
  $ instar network rotate --remove 3fa9c1d2 --add alice.json
  $ instar network rotate --role targets --add bob.json --threshold targets=2 -o authors.json`
    )
    .action(async (options: Options) => {
      await offerProposal(async base => rotation(base, options, io), options, io)
    })
  addOfferOptions(command, 'rotation.json')
}

async function rotation({ trusted, before }: ProposalBase, options: Options, io: Io): Promise<Proposal> {
  const { propose } = await import('@instar/signer')
  const changes = await roleChangesOf(options, trusted, io)
  const roles = Object.keys(changes) as MetadataRole[]
  const delegated = roles.filter(role => role === 'halt' || role === 'admission')
  if (roles.length === 0)
    throw new InstarError('BadInput', 'Nothing would change: name a key with --add or --remove, or a --threshold.')
  if (delegated.length > 0 && delegated.length < roles.length)
    throw new InstarError(
      'BadInput',
      `${roles.join(', ')} are named in two documents: make one proposal for the root's, and a second one with --after for ${delegated.join(' and ')}.`
    )
  const { number } = options
  const init = { trusted, before, nowMs: io.now(), ...(number === undefined ? {} : { number }) }
  return delegated.length > 0
    ? propose('targets', { roles: pick(changes, ['halt', 'admission']) }, init)
    : propose('root', { roles: pick(changes, ['root', 'targets', 'snapshot', 'timestamp']), decisions: [] }, init)
}

function pick<Role extends MetadataRole>(changes: RoleChanges, roles: readonly Role[]): Pick<RoleChanges, Role> {
  return Object.fromEntries(Object.entries(changes).filter(([role]) => roles.includes(role as Role))) as Pick<
    RoleChanges,
    Role
  >
}
