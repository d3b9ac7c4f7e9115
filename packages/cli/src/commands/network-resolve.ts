import { InstarError } from '@instar/core'
import type { TrustState } from '@instar/signer'
import type { Command } from 'commander'
import { offerProposal } from '../authoring/offer-proposal.js'
import type { Io } from '../io.js'
import { parseVersion } from '../options/numbers.js'
import { addOfferOptions, type OfferOptions } from '../options/proposal.js'

interface Options extends OfferOptions {
  readonly keep: string
}

export function addNetworkResolve(network: Command, io: Io): void {
  const command = network
    .command('resolve')
    .argument('<version>', 'the forked version', parseVersion)
    .summary('propose the root’s decision on a fork')
    .description(
      'Writes a proposal for the next root that says which of two signed descriptors counts as this version, or that none does. Peers that tried the other one go back; peers that committed it answer nothing at this version any more until their operators reset them. instar network show lists the descriptors and who signed them.'
    )
    .requiredOption('--keep <descriptor>', 'its hash, or at least 8 digits of it; none for neither')
    .addHelpText(
      'after',
      `
Examples:
  $ instar network resolve 4 --keep 9f31aa20
  $ instar network resolve 4 --keep none -o decision.json`
    )
    .action(async (version: number, options: Options) => {
      const { propose } = await import('@instar/signer')
      await offerProposal(
        async ({ trusted, before }) => {
          const decisions = [{ version, keep: descriptorMeant(options.keep, version, trusted) }]
          const { number } = options
          const numbered = number === undefined ? {} : { number }
          return propose('root', { roles: {}, decisions }, { trusted, before, nowMs: io.now(), ...numbered })
        },
        options,
        io
      )
    })
  addOfferOptions(command, 'decision.json')
}

/** @throws InstarError BadInput */
function descriptorMeant(text: string, version: number, { named, descriptors }: TrustState): string {
  const digits = text.toLowerCase()
  if (digits === 'none' || /^[0-9a-f]{64}$/.test(digits)) return digits
  const known = new Set([
    ...named.forks.filter(each => each.version === version).flatMap(each => each.hashes),
    ...[...descriptors.values()].filter(each => each.version === version).map(each => each.hash)
  ])
  const [found, other] = [...known].filter(each => digits.length >= 8 && each.startsWith(digits))
  if (found !== undefined && other === undefined) return found
  throw new InstarError(
    'BadInput',
    `${text} names no descriptor of version ${version} that is known here: instar network show lists them; --keep none keeps neither.`
  )
}
