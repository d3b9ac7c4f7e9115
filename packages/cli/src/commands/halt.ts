import type { Command } from 'commander'
import { carryOut, type CarryOutOptions } from '../authoring/carry-out.js'
import type { Io } from '../io.js'
import { parseVersion } from '../options/numbers.js'
import { addOfferOptions, addWaitOption, addYesOption } from '../options/proposal.js'

interface Options extends CarryOutOptions {
  readonly reason: string
  readonly unload?: true
}

/** `halt` and `resume`: the signed word on a version, for every peer. */
export function addHalt(program: Command, io: Io): void {
  const halt = addOne(program, io, {
    order: 'halt',
    summary: 'stop a version at every peer: nobody begins with it, trials go back',
    description:
      'Signs an order that stops a version everywhere, within seconds of its arrival, also where trust is stale: nobody introduces the version or upgrades to it any more, and trials of it go back. Peers that have committed it keep running it. With enough keys at hand it acts at once; otherwise it writes a proposal for the others who sign.',
    example: `
Examples:
  $ instar halt 3 --reason "loses colours under load" --keys ./keys
  $ instar halt 3 --reason "leaks memory" --unload --yes --keys ./keys`
  })
  halt.option('--unload', 'also withdraw what serves it beside the running version; its callers are refused')
  addOne(program, io, {
    order: 'resume',
    summary: 'take back a halt: peers may go on with the version',
    description:
      'Signs that a halted version may go on, at every peer. To let a version be tried again at one peer only, see upgrade resume.',
    example: '\nExample:\n  $ instar resume 3 --reason "it was the disk" --keys ./keys'
  })
}

interface Words {
  readonly order: 'halt' | 'resume'
  readonly summary: string
  readonly description: string
  readonly example: string
}

function addOne(program: Command, io: Io, { order, summary, description, example }: Words): Command {
  const command = program
    .command(order)
    .argument('<version>', 'a version of the network', parseVersion)
    .summary(summary)
    .description(description)
    .requiredOption('--reason <text>', 'why, for every operator; at most 300 characters')
    .option('--keys <dir>', 'a keystore with a halt key; without it a proposal is written')
    .addHelpText('after', example)
    .action(async (version: number, options: Options) => {
      const { orderFor, propose } = await import('@instar/signer')
      await carryOut(
        async ({ trusted, before }, number) => {
          const nowMs = io.now()
          const said = orderFor(trusted, {
            version,
            order,
            reason: options.reason,
            unload: options.unload ?? false,
            nowMs
          })
          const numbered = number === undefined ? {} : { number }
          return propose('halt', { orders: [said] }, { trusted, before, nowMs, ...numbered })
        },
        options,
        io
      )
    })
  return addOfferOptions(addWaitOption(addYesOption(command), 'until other peers have it'), `${order}.json`)
}
