import type { Command } from 'commander'
import type { RestoreOffer } from '@instar/node'
import type { Io } from '../io.js'
import { addDryRunOption, addJsonOption, type JsonOptions, type WriteOptions } from '../options/common.js'
import { dataDirectoryOf } from '../options/data-directory.js'
import { createOutput } from '../output/output.js'
import { Refused } from '../refused.js'

interface Options extends JsonOptions, WriteOptions {
  readonly data?: string
  readonly yes?: true
}

export function addPeerRestore(peer: Command, io: Io): void {
  const command = peer
    .command('restore')
    .summary('give a stopped peer the state of an earlier version back')
    .description(
      'After an upgrade the state of before is kept for a while (policy `oldStates`). This makes it the state of the object again. Every call that was acknowledged since is LOST at this peer, and it is said since when, before anything is changed. The state of now is kept in its stead. At its next start the peer serves that version and nothing older, and upgrades to nothing until it is resumed (instar upgrade resume).'
    )
    .argument('[version]', 'which version; without it, says which states there are')
    .option('--data <dir>', 'its data directory (default: $INSTAR_DATA, or .instar here)')
    .option('--yes', 'do not ask')
    .addHelpText('after', '\nExample:\n  $ instar peer stop --data ./one\n  $ instar peer restore 1 --data ./one')
    .action(async (text: string | undefined, options: Options) => {
      const output = createOutput(io, options)
      const dataDirectory = dataDirectoryOf(options, io)
      const version = text === undefined ? undefined : Number(text)
      if (version !== undefined && (!Number.isSafeInteger(version) || version < 1))
        throw new Refused(`${text} is no version.`)
      const { restorePeer } = await import('@instar/node')
      const confirm = async (offer: RestoreOffer): Promise<boolean> => {
        const question = `${lossOf(offer)} Restore the state of version ${offer.version}? [y/N] `
        return options.yes === true || /^y(es)?$/i.test((await io.ask(question)).trim())
      }
      const isOnlyLook = version === undefined || options.dryRun === true
      const { offer, done } = await restorePeer({
        dataDirectory,
        version,
        now: io.now,
        ...(isOnlyLook ? {} : { confirm })
      })
      if (isOnlyLook) {
        output.result({ ...offer, restored: false }, () =>
          [
            `${offer.peer} runs version ${offer.running}. States that are kept:`,
            ...offer.states.map(each => `  version ${each.version} as it was at ${time(each.sinceMs)}`),
            `To restore version ${offer.version}: instar peer restore ${offer.version}. ${lossOf(offer)}`
          ].join('\n')
        )
        return
      }
      if (!done) throw new Refused('Nothing was changed.')
      output.result(
        { ...offer, restored: true },
        () =>
          `${offer.peer} has the state of version ${offer.version} as it was at ${time(offer.sinceMs)}. At its next start it runs that and is held there: instar upgrade resume lets it upgrade again. What it ran until now is kept too: instar peer restore ${offer.running} takes this back.`
      )
    })
  addJsonOption(addDryRunOption(command))
}

function lossOf({ running, version, sinceMs }: RestoreOffer): string {
  const back = running > version ? `, and the peer goes from version ${running} back to ${version}` : ''
  return `Every call that this peer has acknowledged since ${time(sinceMs)} would be LOST${back}; neighbours that have retired version ${version} refuse its calls.`
}

function time(wallMs: number): string {
  return new Date(wallMs).toISOString()
}
