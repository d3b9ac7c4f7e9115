import { resolve } from 'node:path'
import type { Proposal } from '@instar/signer'
import { withPeer } from '../control/connect.js'
import type { Io } from '../io.js'
import type { OfferOptions } from '../options/proposal.js'
import { createOutput } from '../output/output.js'
import { readProposalBase, type ProposalBase } from './proposal-base.js'
import { writeProposal } from './proposal-file.js'

/** Makes a proposal on what the peer trusts, shows what it changes, and leaves it as a file for whoever signs it. */
export async function offerProposal(
  make: (base: ProposalBase) => Promise<Proposal>,
  options: OfferOptions,
  io: Io
): Promise<void> {
  const { describeProposal } = await import('@instar/signer')
  const output = createOutput(io, options)
  const base = await withPeer(options, io, async client => readProposalBase(client, options.after ?? [], io))
  const proposal = await make(base)
  const words = describeProposal(proposal, base.trusted)
  const isDry = options.dryRun === true
  if (!isDry) await writeProposal(resolve(io.cwd, options.out), proposal)
  const after = (options.after ?? []).map(file => ` --after ${file}`).join('')
  output.result({ dryRun: isDry, kind: proposal.kind, out: options.out, words }, () =>
    [
      ...words,
      '',
      ...(isDry
        ? [`Would write it to ${options.out}.`]
        : [
            `Written to ${options.out}. Whoever holds a key signs it:`,
            `  instar proposal sign ${options.out} --keys <dir>${after}`
          ])
    ].join('\n')
  )
}
