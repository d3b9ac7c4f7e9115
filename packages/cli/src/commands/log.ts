import { InvalidArgumentError, type Command } from 'commander'
import { withPeer } from '../control/connect.js'
import type { Io } from '../io.js'
import { addPeerOptions, type PeerOptions } from '../options/common.js'
import { createOutput } from '../output/output.js'

export function addLog(program: Command, io: Io): void {
  const command = program
    .command('log')
    .summary("the last lines of the peer's log")
    .description("Prints the last lines of the running peer's log, oldest first.")
    .option('-n, --lines <count>', 'how many', parseLines, 50)
    .addHelpText('after', '\nExample:\n  $ instar log -n 200 --data ./one')
    .action(async (options: PeerOptions & { lines: number }) => {
      const output = createOutput(io, options)
      const lines = await withPeer(options, io, async client => client.log(options.lines))
      for (const line of lines) output.result({ line }, () => line)
    })
  addPeerOptions(command)
}

function parseLines(text: string): number {
  if (!/^[1-9]\d{0,3}$/.test(text)) throw new InvalidArgumentError('A number of lines is between 1 and 9999.')
  return Number(text)
}
