import { Argument, type Command } from 'commander'
import { carryOut, type CarryOutOptions } from '../authoring/carry-out.js'
import type { Io } from '../io.js'
import { addOfferOptions, addWaitOption, addYesOption } from '../options/proposal.js'

export function addNetworkPolicy(network: Command, io: Io): void {
  const command = network
    .command('policy')
    .addArgument(new Argument('<policy>', 'who counts').choices(['open', 'certificate']))
    .summary('say whose announcements count: everybody’s, or of those who were admitted')
    .description(
      'Signs the next admission document. Under open every peer that proves its identity counts: for small or trusted networks, because whoever can start processes can start peers, and enough of them stop upgrades (they never start one). Under certificate only peers count that instar admit or an invitation let in; strangers may connect and call. Admit the peers that you have before you close the door.'
    )
    .option('--keys <dir>', 'a keystore with an admission key; without it a proposal is written')
    .addHelpText('after', '\nExample:\n  $ instar network policy certificate --keys ./keys')
    .action(async (policy: 'open' | 'certificate', options: CarryOutOptions) => {
      const { propose } = await import('@instar/signer')
      await carryOut(
        async ({ trusted, before }, number) => {
          const numbered = number === undefined ? {} : { number }
          return propose('admission', { policy }, { trusted, before, nowMs: io.now(), ...numbered })
        },
        options,
        io
      )
    })
  addOfferOptions(addWaitOption(addYesOption(command), 'until other peers have it'), 'policy.json')
}
