import { resolve } from 'node:path'
import { InstarError } from '@instar/core'
import type { Command } from 'commander'
import { planUpgrade } from '../authoring/plan-upgrade.js'
import { readProposal } from '../authoring/proposal-file.js'
import { readTrust } from '../authoring/read-trust.js'
import { withPeer } from '../control/connect.js'
import type { Io } from '../io.js'
import { addPeerOptions, type PeerOptions } from '../options/common.js'
import { createOutput } from '../output/output.js'
import { planText } from '../output/plan-text.js'

export function addUpgradePlan(upgrade: Command, io: Io): void {
  const command = upgrade
    .command('plan')
    .argument('<proposal>', 'the proposal.json that upgrade build wrote')
    .summary('what an upgrade would do at each peer')
    .description(
      'Says for each class what an upgrade costs (who serves which version, what becomes of the state, what going back keeps and loses), and for each peer that the local peer knows whether it upgrades or only takes the new number, what it would serve, and what stands in its way now. Changes nothing.'
    )
    .addHelpText('after', '\nExample:\n  $ instar upgrade plan upgrade/proposal.json --data ./one')
    .action(async (file: string, options: PeerOptions) => {
      const output = createOutput(io, options)
      const proposal = await readProposal(resolve(io.cwd, file))
      if (proposal.kind !== 'upgrade')
        throw new InstarError('BadInput', `${file} proposes no upgrade: instar proposal show says what it changes.`)
      const { trust, status } = await withPeer(options, io, async client => ({
        trust: await readTrust(client, io.now()),
        status: await client.status()
      }))
      const known = trust.upgrades.map(each => each.descriptor)
      const plan = planUpgrade(proposal.change, known, status)
      output.result(plan, () => planText(plan, output))
    })
  addPeerOptions(command)
}
