import { resolve } from 'node:path'
import { InstarError } from '@instar/core'
import type { Keystore, Proposal } from '@instar/signer'
import { withPeer } from '../control/connect.js'
import type { Io } from '../io.js'
import type { OfferOptions, SigningOptions, SpreadingOptions } from '../options/proposal.js'
import { createOutput } from '../output/output.js'
import { openKeystore } from './open-keystore.js'
import { readProposalBase, type ProposalBase } from './proposal-base.js'
import { writeProposal } from './proposal-file.js'
import { catchUp, publishProposals } from './publish-proposals.js'
import { addSignatures, askToSign, showProposal, signersAtHand } from './sign-proposal.js'

export interface CarryOutOptions extends OfferOptions, SigningOptions, SpreadingOptions {}

/** Makes the proposal; with a number of its own where the next one is spoken for. */
export type MakeProposal = (base: ProposalBase, number?: number) => Promise<Proposal>

/**
 * Does what was asked at once where the keys at hand are enough: shows it, asks, signs, publishes, and says who heard. Otherwise leaves
 * a proposal for the others whose signatures it needs. The file is there before anything is published, so that what was signed is never
 * lost: the ledger would refuse to sign another body in its place.
 */
export async function carryOut(make: MakeProposal, options: CarryOutOptions, io: Io): Promise<void> {
  const output = createOutput(io, options)
  const base = await withPeer(options, io, async client => {
    await catchUp(client, output)
    return readProposalBase(client, options.after ?? [], io)
  })
  const { trusted } = base
  const proposal = await make(base, options.number)
  await showProposal(proposal, trusted, output)
  if (options.dryRun === true) {
    output.result({ dryRun: true, kind: proposal.kind, out: options.out }, () => 'Dry run: nothing was signed.')
    return
  }
  const path = resolve(io.cwd, options.out)
  const signed = await sign(make, proposal, base, options, io)
  await writeProposal(path, signed)
  const { isComplete } = await import('@instar/signer')
  const complete = isComplete(signed, trusted)
  const record = { kind: signed.kind, out: options.out, signatures: signed.signatures.length, complete }
  output.result(record, () =>
    complete
      ? `Signed, and kept in ${options.out}.`
      : `Written to ${options.out} with ${signed.signatures.length} signature(s). Pass it on to whoever signs next:\n  instar proposal sign ${options.out} --keys <dir>`
  )
  if (complete) await publishProposals([{ proposal: signed, path }], options, io)
}

const numbersTried = 8

async function sign(
  make: MakeProposal,
  proposal: Proposal,
  base: ProposalBase,
  options: CarryOutOptions,
  io: Io
): Promise<Proposal> {
  const { keys } = options
  if (keys === undefined) return proposal
  const keystore = await openKeystore({ ...options, keys }, io)
  const signers = await signersAtHand(proposal, base.trusted, keystore)
  if (signers.length === 0)
    throw new InstarError(
      'KeyNotAuthorized',
      `${keys} holds no key that this network asks to sign this (${proposal.kind}). Without --keys the proposal is written for those who have one.`
    )
  await askToSign(options, io)
  return signOnFreeNumber(make, proposal, base, keystore, io)
}

/** An older proposal that was signed and never published must not keep anyone from stopping a version now. */
async function signOnFreeNumber(
  make: MakeProposal,
  proposal: Proposal,
  base: ProposalBase,
  keystore: Keystore,
  io: Io
): Promise<Proposal> {
  const { numberOf } = await import('@instar/signer')
  let next = proposal
  for (let tried = 1; ; tried++) {
    try {
      return await addSignatures(next, base.trusted, await signersAtHand(next, base.trusted, keystore), keystore, io)
    } catch (thrown) {
      if (!isTaken(thrown) || tried === numbersTried) throw thrown
      next = await make(base, numberOf(next) + 1)
    }
  }
}

function isTaken(thrown: unknown): boolean {
  return thrown instanceof InstarError && thrown.code === 'ProposalConflict'
}
