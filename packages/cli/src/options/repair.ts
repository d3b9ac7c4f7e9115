import { resolve } from 'node:path'
import { InvalidArgumentError, Option, type Command } from 'commander'
import type { StartModule } from '../authoring/superseding.js'
import type { Io } from '../io.js'
import { parseVersion } from './numbers.js'

/** Of a version that takes the place of others (§4). */
export interface RepairOptions {
  readonly supersedes?: number
  readonly from?: readonly StartModule[]
}

export function addRepairOptions(command: Command): Command {
  return command
    .addOption(
      new Option(
        '--supersedes <version>',
        'it repairs this version and all after it, which nobody takes any more'
      ).argParser(parseVersion)
    )
    .addOption(
      new Option(
        '--from <version>=<module>',
        'with --supersedes: the module for peers that run this earlier version; once for each such version'
      ).argParser(collectStart)
    )
}

/** The modules of the earlier versions, where they lie. */
export function fromOf({ from }: RepairOptions, io: Io): readonly StartModule[] | undefined {
  return from?.map(each => ({ ...each, entry: resolve(io.cwd, each.entry) }))
}

function collectStart(text: string, before: readonly StartModule[] = []): readonly StartModule[] {
  return [...before, parseStart(text)]
}

/** @throws InvalidArgumentError */
function parseStart(text: string): StartModule {
  const at = text.indexOf('=')
  if (at < 1 || at === text.length - 1) throw new InvalidArgumentError('It is a version and a module: 2=./from-two.ts.')
  return { version: parseVersion(text.slice(0, at)), entry: text.slice(at + 1) }
}
