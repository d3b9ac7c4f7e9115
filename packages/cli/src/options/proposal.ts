import { Option, type Command } from 'commander'
import { parseDuration } from './duration.js'
import { collect, parseCount } from './numbers.js'
import { addPassphraseOption, type PassphraseOptions } from './passphrase.js'
import { addDryRunOption, addPeerOptions, type PeerOptions, type WriteOptions } from './common.js'

/** Of a command that makes a proposal. */
export interface OfferOptions extends PeerOptions, WriteOptions {
  readonly out: string
  /** Files of proposals that are published before this one. */
  readonly after?: readonly string[]
  readonly number?: number
}

/** Of a command that signs. */
export interface SigningOptions extends PassphraseOptions {
  readonly keys?: string
  readonly yes?: true
}

/** Of a command that hands documents to the network. */
export interface SpreadingOptions {
  /** Milliseconds. */
  readonly wait: number
}

export function addOfferOptions(command: Command, out: string): Command {
  command.option('-o, --out <file>', 'where to write the proposal', out)
  addNumberOption(command)
  return addPeerOptions(addDryRunOption(addAfterOption(command)))
}

export function addNumberOption(command: Command): Command {
  return command.option(
    '--number <n>',
    'another number than the next, where your ledger has another body for that one; roots have no choice',
    parseCount
  )
}

export function addAfterOption(command: Command): Command {
  return command.option(
    '--after <proposal>',
    'a complete proposal that is published before this one; may be repeated',
    collect
  )
}

export function addYesOption(command: Command): Command {
  return addPassphraseOption(command.option('-y, --yes', 'sign without being asked'))
}

export function addWaitOption(command: Command, what: string): Command {
  return command.addOption(
    new Option('--wait <duration>', `how long to wait ${what}; 0s not at all`)
      .argParser(parseDuration)
      .default(parseDuration('10s'), '10s')
  )
}
