import { InstarError } from '@instar/core'
import type { Garbage, GarbageReport } from '@instar/node/control'
import type { Command } from 'commander'
import { withPeer } from '../control/connect.js'
import type { Io } from '../io.js'
import { addDryRunOption, addPeerOptions, type PeerOptions, type WriteOptions } from '../options/common.js'
import { createOutput } from '../output/output.js'
import { toSizeWords } from '../output/size-words.js'

interface Options extends PeerOptions, WriteOptions {}

export function addGc(program: Command, io: Io): void {
  const command = program
    .command('gc')
    .summary('remove what nothing needs any more from the disk of a peer')
    .description(
      'A running peer does this by itself, every ten minutes, with what nothing has needed for a day. This does it now: bundles that neither this peer, nor a way back, nor any admitted peer by its last known version needs; old states that the policy `old-states` does not keep; what killed processes have left over. What came within the last hour stays, because a version that is being published may name it. Old states that the policy keeps stay: shorten it first to be rid of them (instar policy set old-states). Says what is kept, and why.'
    )
    .addHelpText(
      'after',
      '\nExamples:\n  $ instar gc --dry-run --data ./one\n  $ instar gc --json | jq "[.removed[].bytes] | add"'
    )
    .action(async (options: Options) => {
      const dryRun = options.dryRun === true
      // A disk may take its time; Ctrl-C ends the waiting, and not what is being removed.
      const report = await withPeer(options, io, client => client.collectGarbage({ dryRun }), 'endless')
      createOutput(io, options).result(report, () => garbageText(report))
      const { length } = report.failed
      if (length > 0)
        throw new InstarError(
          'DataDirectoryDamaged',
          `${length === 1 ? 'One thing' : `${length} things`} that nothing needs could not be removed; the next cleaning tries again.`
        )
    })
  addPeerOptions(addDryRunOption(command))
}

function garbageText({ dryRun, removed, later, kept, failed }: GarbageReport): string {
  const total = toSizeWords(removed.reduce((sum, each) => sum + each.bytes, 0))
  const isNothing = removed.length === 0 && failed.length === 0
  return [
    ...(isNothing ? ['There is nothing to remove.'] : []),
    ...part(dryRun ? `Would remove ${total}:` : `Removed ${total}:`, removed),
    ...part('Could not be removed:', failed),
    ...part('Needed by nothing, and too young to go:', later, each => `; goes from ${each.from} on`),
    ...part('Kept:', kept)
  ].join('\n')
}

function part<Of extends Garbage>(title: string, all: readonly Of[], end: (each: Of) => string = () => ''): string[] {
  if (all.length === 0) return []
  return [title, ...all.map(each => `  ${nameOf(each)}, ${toSizeWords(each.bytes)}: ${each.because}${end(each)}`)]
}

function nameOf({ kind, name }: Garbage): string {
  if (kind === 'bundle' && /^[0-9a-f]{64}$/.test(name)) return `bundle ${name.slice(0, 12)}…`
  return kind === 'state' && name.startsWith('version') ? `state of ${name}` : name
}
