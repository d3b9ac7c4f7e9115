import type { HoldTarget } from '@instar/node/control'
import { InvalidArgumentError, type Command } from 'commander'
import { withPeer } from '../control/connect.js'
import type { Io } from '../io.js'
import { addDryRunOption, addPeerOptions, type PeerOptions, type WriteOptions } from '../options/common.js'
import { parseVersion } from '../options/numbers.js'
import { createOutput } from '../output/output.js'

/** `hold` and `resume`: an operator's word, above every deadline. */
export function addUpgradeHold(upgrade: Command, io: Io): void {
  addOne(upgrade, io, {
    name: 'hold',
    summary: 'let this peer not upgrade, until it is resumed',
    description:
      'Keeps the local peer from upgrading to a version, or to any, past every deadline and across restarts. What it runs goes on.',
    done: what => `${what} is held`
  })
  addOne(upgrade, io, {
    name: 'resume',
    summary: 'take a hold back',
    description: 'Takes back what `upgrade hold` did at the local peer.',
    done: what => `${what} is free to go`
  })
}

interface Words {
  readonly name: 'hold' | 'resume'
  readonly summary: string
  readonly description: string
  readonly done: (what: string) => string
}

function addOne(upgrade: Command, io: Io, words: Words): void {
  const command = upgrade
    .command(words.name)
    .argument('[version]', 'a version, or all', parseTarget, 'all')
    .summary(words.summary)
    .description(words.description)
    .addHelpText(
      'after',
      `\nExamples:\n  $ instar upgrade ${words.name}\n  $ instar upgrade ${words.name} 2 --data ./one`
    )
    .action(async (target: HoldTarget, options: PeerOptions & WriteOptions) => {
      const output = createOutput(io, options)
      const isDry = options.dryRun === true
      await withPeer(options, io, async client => (isDry ? client.status() : client[words.name](target)))
      const what = target === 'all' ? 'Every version' : `v${target}`
      output.result({ [words.name]: target, dryRun: isDry }, () =>
        isDry ? `Dry run: ${words.done(what)}.` : `${words.done(what)}.`
      )
    })
  addPeerOptions(addDryRunOption(command))
}

function parseTarget(text: string): HoldTarget {
  if (text === 'all') return 'all'
  try {
    return parseVersion(text)
  } catch {
    // The same sentence, with the word that is possible here as well.
    throw new InvalidArgumentError('Name a version (a positive whole number) or all.')
  }
}
