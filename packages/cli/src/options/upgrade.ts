import type { ClassUpgrade, Health, Needs, Strategy } from '@instar/core'
import { Option, type Command } from 'commander'
import { waysBack } from '../authoring/way-back.js'
import type { Io } from '../io.js'
import { addDryRunOption, addPeerOptions, type PeerOptions, type WriteOptions } from './common.js'
import { parseDuration, parseMoment } from './duration.js'
import { healthExample, parseHealth } from './health.js'
import { needsExample, parseNeeds } from './needs.js'
import { parseStrategy } from './schedule.js'

/** What an author says of any upgrade, whatever it changes. */
export interface UpgradeOptions extends PeerOptions, WriteOptions {
  readonly notes: string
  readonly schedule: Strategy
  readonly deadline: string
  readonly deadlineSpread: number
  readonly retireAfter: number
  readonly retireBy?: string
  readonly stable: number
  readonly introduceOver: number
  readonly health?: Health
  readonly probation: number
  readonly needs?: Needs
  readonly durability?: 'os' | 'disk'
  readonly back?: ClassUpgrade['back']
  readonly out: string
}

export function addUpgradeOptions(command: Command, io: Io): Command {
  const duration = (flags: string, words: string, standard: string) =>
    new Option(flags, words).argParser(parseDuration).default(parseDuration(standard), standard)
  command
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
    .addOption(
      duration(
        '--introduce-over <duration>',
        'peers begin to serve it one by one over this time; 0s: all at once',
        '10m'
      )
    )
    .addOption(
      new Option(
        '--health <words>',
        `how its trial is judged, over what the module says (§15); for example ${healthExample}`
      ).argParser(parseHealth)
    )
    .addOption(duration('--probation <duration>', 'how long the new version is watched beside the old one first', '1m'))
    .addOption(
      new Option(
        '--needs <words>',
        `what a machine must have before anything begins there; for example ${needsExample}`
      ).argParser(parseNeeds)
    )
    .addOption(duration('--retire-after <duration>', 'the old version goes when nobody called it for this long', '1d'))
    .addOption(
      new Option('--retire-by <time>', 'the old version goes at this time whoever still calls it').argParser(
        (text: string) => parseMoment(text, io.now())
      )
    )
    .addOption(
      new Option(
        '--durability <kind>',
        'what an answered call survives: a killed process, or power loss; default: what it survives now'
      ).choices(['os', 'disk'])
    )
    .addOption(
      new Option(
        '--back <how>',
        'how a trial goes back: exact (a twin), transform (its reverse transform), copy (the state of before; what the trial acknowledged is lost), none (default: the best that the module itself offers, exact or transform, else none)'
      ).choices(waysBack)
    )
    .option('-o, --out <dir>', 'where to write proposal.json, descriptor.json and bundles/', 'upgrade')
  return addPeerOptions(addDryRunOption(command))
}
