import { InstarError } from '@instar/core'
import type { GroupConfiguration, TrustState } from '@instar/signer'
import type { Command } from 'commander'
import { carryOut, type CarryOutOptions } from '../authoring/carry-out.js'
import type { Io } from '../io.js'
import { collect, parseCount } from '../options/numbers.js'
import { addOfferOptions, addWaitOption, addYesOption } from '../options/proposal.js'

interface Options extends CarryOutOptions {
  readonly add?: readonly string[]
  readonly remove?: readonly string[]
  readonly limit?: number
}

export function addGroupSet(group: Command, io: Io): void {
  const command = group
    .command('set')
    .argument('<name>', 'the group')
    .summary('say who is in a replica group, and how many of it may be down at once')
    .description(
      'Signs the next configuration of a replica group, or its first: its members, and how many of them may be down for an upgrade at once (1 where nothing was said). Configurations count up, each names the one before by its hash, and peers take no other order.'
    )
    .option('--add <peer>', 'a whole peer id that comes; may be repeated', collect)
    .option('--remove <peer>', 'a whole peer id that goes; may be repeated', collect)
    .option('--limit <n>', 'how many members may be down at once', parseCount)
    .option('--keys <dir>', 'a keystore with an admission key; without it a proposal is written')
    .addHelpText(
      'after',
      `
Examples:
  $ instar group set north --add 12D3KooWEyop… --add 12D3KooWGzCC… --limit 1 --keys ./keys
  $ instar group set north --remove 12D3KooWGzCC… --keys ./keys`
    )
    .action(async (name: string, options: Options) => {
      const { nextGroup, propose } = await import('@instar/signer')
      await carryOut(
        async ({ trusted, before }, number) => {
          const groups = [nextGroup(trusted, await changed(name, options, trusted))]
          const numbered = number === undefined ? {} : { number }
          return propose('admission', { groups }, { trusted, before, nowMs: io.now(), ...numbered })
        },
        options,
        io
      )
    })
  addOfferOptions(addWaitOption(addYesOption(command), 'until other peers have it'), 'group.json')
}

type Next = Pick<GroupConfiguration, 'group' | 'members' | 'limit'>

/** @throws InstarError BadInput */
async function changed(group: string, { add = [], remove = [], limit }: Options, trusted: TrustState): Promise<Next> {
  const { admissionOf } = await import('@instar/signer')
  const known = admissionOf(trusted).groups.get(group)
  const strange = remove.find(each => known?.members.includes(each) !== true)
  if (strange !== undefined) throw new InstarError('BadInput', `${strange} is not in group ${group}.`)
  const members = [...(known?.members ?? []), ...add].filter(each => !remove.includes(each))
  if (members.length === 0)
    throw new InstarError('BadInput', `Group ${group} would be empty: name its members with --add.`)
  const next = { group, members, limit: limit ?? known?.limit ?? 1 }
  if (next.limit < 1 || next.limit > members.length)
    throw new InstarError(
      'BadInput',
      `The limit of group ${group} lies between 1 and the number of its members, ${members.length}.`
    )
  return next
}
