import { Option, type Command } from 'commander'
import { parseDuration } from './duration.js'

export interface JsonOptions {
  readonly json?: true
}

export interface PeerOptions extends JsonOptions {
  readonly data?: string
  readonly timeout: number
}

export interface WriteOptions {
  readonly dryRun?: true
}

export function addJsonOption(command: Command): Command {
  return command.option('--json', 'print one JSON object per line, for programs')
}

/** Options of a command that talks to the peer of a data directory. */
export function addPeerOptions(command: Command, timeout = '30s'): Command {
  command.option('--data <dir>', 'data directory of the peer (default: $INSTAR_DATA, or .instar here)')
  command.addOption(
    new Option('--timeout <duration>', 'give up after this time')
      .argParser(parseDuration)
      .default(parseDuration(timeout), timeout)
  )
  return addJsonOption(command)
}

export function addDryRunOption(command: Command): Command {
  return command.option('--dry-run', 'say what would be done, and do nothing')
}
