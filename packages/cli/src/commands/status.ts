import type { Command } from 'commander'
import { withPeer } from '../control/connect.js'
import type { Io } from '../io.js'
import { addPeerOptions, type PeerOptions } from '../options/common.js'
import { createOutput } from '../output/output.js'
import { statusText } from '../output/status-text.js'
import { watchStatus } from '../output/watch-status.js'
import { Unwell } from '../refused.js'

export function addStatus(program: Command, io: Io): void {
  const command = program
    .command('status')
    .summary('peers, versions, phases, and what each waits for')
    .description(
      'Shows the peer, every version that it knows with its phase and reason, and the other peers as they announce themselves.'
    )
    .option('-w, --watch', 'go on and show changes as they happen')
    .option('--check', 'exit with 1 where something needs a person')
    .addHelpText(
      'after',
      `
Examples:
  $ instar status --data ./one
  $ instar status --watch
  $ instar status --check --json >/dev/null || alert
  $ instar status --json | jq .versions`
    )
    .action(async (options: PeerOptions & { readonly watch?: true; readonly check?: true }) => {
      const output = createOutput(io, options)
      if (options.watch === true) {
        await withPeer(options, io, async client => watchStatus(client, output, io), 'endless')
        return
      }
      const status = await withPeer(options, io, async client => client.status())
      output.result(status, () => statusText(status, output, io.now()))
      const { problems } = status
      if (options.check === true && problems.length > 0)
        throw new Unwell(`${problems.length === 1 ? '1 problem needs' : `${problems.length} problems need`} a person.`)
    })
  addPeerOptions(command)
}
