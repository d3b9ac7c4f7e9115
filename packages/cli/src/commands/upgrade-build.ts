import { join, resolve } from 'node:path'
import { encodeDescriptor, encodeManifest, type Descriptor, type Strategy } from '@instar/core'
import { Option, type Command } from 'commander'
import { buildUpgrade, type BuiltUpgrade } from '../authoring/build-upgrade.js'
import { readTrust } from '../authoring/read-trust.js'
import { withPeer } from '../control/connect.js'
import { writeAtomically } from '../authoring/write-atomically.js'
import { writeProposal } from '../authoring/proposal-file.js'
import type { Io } from '../io.js'
import { addDryRunOption, addPeerOptions, type PeerOptions, type WriteOptions } from '../options/common.js'
import { parseDuration, parseMoment } from '../options/duration.js'
import { parseStrategy } from '../options/schedule.js'
import { createOutput } from '../output/output.js'

interface Options extends PeerOptions, WriteOptions {
  readonly title: string
  readonly notes: string
  readonly schedule: Strategy
  readonly deadline: string
  readonly deadlineSpread: number
  readonly retireAfter: number
  readonly retireBy?: string
  readonly stable: number
  readonly probation: number
  readonly durability: 'os' | 'disk'
  readonly compatible?: true
  readonly out: string
}

export function addUpgradeBuild(upgrade: Command, io: Io): void {
  const duration = (flags: string, words: string, standard: string) =>
    new Option(flags, words).argParser(parseDuration).default(parseDuration(standard), standard)
  const command = upgrade
    .command('build')
    .argument('<modules...>', 'the upgrade modules, one for each class that changes')
    .summary('make the bundle, the descriptor and a proposal to be signed')
    .description(
      'Builds each module into a reproducible bundle, describes the next version of the network of the local peer, and writes a proposal, which nobody trusts before it is signed.'
    )
    .requiredOption('--title <text>', 'what people see of it everywhere')
    .option('--notes <text>', 'what signers and operators should know', '')
    .addOption(
      new Option('--schedule <strategy>', 'eager, rolling:<at most so many at once>[:<group>], at:<time>, or manual')
        .argParser((text: string) => parseStrategy(text, io.now()))
        .default({ type: 'rolling', maxUnavailable: 1 }, 'rolling:1')
    )
    .addOption(
      new Option('--deadline <time>', 'after it peers go ahead whatever the schedule says; a duration or an ISO time')
        .argParser((text: string) => parseMoment(text, io.now()))
        .default(parseMoment('7d', io.now()), '7d')
    )
    .addOption(duration('--deadline-spread <duration>', 'late peers go spread out over this time', '1h'))
    .addOption(duration('--stable <duration>', 'how long the new object serves before the upgrade is committed', '1m'))
    .addOption(duration('--probation <duration>', 'how long the new version is watched beside the old one first', '1m'))
    .addOption(duration('--retire-after <duration>', 'the old version goes when nobody called it for this long', '1d'))
    .addOption(
      new Option('--retire-by <time>', 'the old version goes at this time whoever still calls it').argParser(
        (text: string) => parseMoment(text, io.now())
      )
    )
    .addOption(
      new Option('--durability <kind>', 'what an answered call survives').choices(['os', 'disk']).default('os')
    )
    .option('--compatible', 'the contract did not change: new code only, no simulation objects')
    .option('-o, --out <dir>', 'where to write proposal.json, descriptor.json and bundles/', 'upgrade')
    .addHelpText(
      'after',
      `
Examples:
  $ instar upgrade build ./color-set.ts --title Colours
  $ instar upgrade build ./color-set.ts --title Colours --schedule rolling:2 --deadline 3d --stable 10m -o out`
    )
    .action(async (modules: readonly string[], options: Options) => {
      const output = createOutput(io, options)
      const out = resolve(io.cwd, options.out)
      const trust = await withPeer(options, io, async client => readTrust(client, io.now()))
      const entries = modules.map(module => resolve(io.cwd, module))
      const built = await buildUpgrade({ ...options, entries, trust, nowMs: io.now() })
      if (options.dryRun !== true) await writeAll(out, built)
      const { descriptor } = built
      const record = {
        version: descriptor.version,
        out,
        bundles: descriptor.classes.map(each => each.bundle),
        descriptor
      }
      output.result({ dryRun: options.dryRun === true, ...record, hints: built.hints }, () =>
        [
          `Version ${descriptor.version}, ${descriptor.title}:`,
          ...descriptor.classes.map(each => `  ${classWords(each)}`),
          ...built.hints.map(hint => output.style('yellow', `Note: ${hint}`)),
          '',
          options.dryRun === true ? `Would write it to ${options.out}.` : `Written to ${options.out}. Next:`,
          ...(options.dryRun === true
            ? []
            : [`  instar upgrade sign ${join(options.out, 'proposal.json')} --keys <dir>`])
        ].join('\n')
      )
    })
  addPeerOptions(addDryRunOption(command))
}

function classWords(each: Descriptor['classes'][number]): string {
  const parts = [
    each.compatible ? 'compatible' : undefined,
    each.future === undefined ? undefined : 'future object',
    each.past === undefined ? undefined : 'past object',
    each.transform === 'none' ? undefined : 'transform'
  ].filter(part => part !== undefined)
  const from = each.oldClass === undefined ? 'new class' : `${each.oldClass} →`
  return `${from} ${each.newClass} (${parts.join(', ') || 'code only'}), bundle ${each.bundle.slice(0, 16)}`
}

async function writeAll(out: string, { proposal, descriptor, bundles }: BuiltUpgrade): Promise<void> {
  const { writeBundle } = await import('@instar/bundler')
  for (const { bundle, manifest, files } of bundles)
    await writeBundle(join(out, 'bundles', bundle), { manifestBytes: encodeManifest(manifest), files })
  await writeAtomically(join(out, 'descriptor.json'), encodeDescriptor(descriptor))
  await writeProposal(join(out, 'proposal.json'), proposal)
}
