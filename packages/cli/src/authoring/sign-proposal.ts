import { dirname, join, resolve } from 'node:path'
import { InstarError } from '@instar/core'
import type { Keystore, Proposal, Signer, TrustState } from '@instar/signer'
import { withPeer } from '../control/connect.js'
import type { Io } from '../io.js'
import type { PeerOptions, WriteOptions } from '../options/common.js'
import type { SigningOptions } from '../options/proposal.js'
import { createOutput, type Output } from '../output/output.js'
import { Refused } from '../refused.js'
import { checksOf } from './check-record.js'
import { openKeystore } from './open-keystore.js'
import { readProposalBase } from './proposal-base.js'
import { readProposal, writeProposal } from './proposal-file.js'

export interface SignProposalOptions extends PeerOptions, WriteOptions, SigningOptions {
  readonly keys: string
  readonly rebase?: true
  readonly after?: readonly string[]
  /** With `rebase`. */
  readonly number?: number
}

/** Shows a proposal in words, asks, and adds the signatures of the keys at hand. The file is replaced as a whole. */
export async function signProposalFile(file: string, options: SignProposalOptions, io: Io): Promise<void> {
  const { describeProposal, isComplete, rebaseProposal } = await import('@instar/signer')
  const output = createOutput(io, options)
  const path = resolve(io.cwd, file)
  const read = await readProposal(path)
  const keystore = await openKeystore(options, io)
  const { before, trusted } = await withPeer(options, io, async client =>
    readProposalBase(client, options.after ?? [], io)
  )
  const { number } = options
  if (number !== undefined && options.rebase !== true)
    throw new InstarError('BadInput', '--number makes another body, so signatures start again: say --rebase with it.')
  const init = { trusted, before, nowMs: io.now(), ...(number === undefined ? {} : { number }) }
  const proposal = options.rebase === true ? rebaseProposal(read, init) : read
  const signers = await signersAtHand(proposal, trusted, keystore)
  if (signers.length === 0)
    throw new InstarError(
      'KeyNotAuthorized',
      `${options.keys} holds no key that this network asks to sign this (${proposal.kind}).`
    )
  const words = describeProposal(proposal, trusted)
  for (const line of words) output.line(line)
  output.line()
  const checks = proposal.kind === 'upgrade' ? await checksOf(proposal.change.descriptor, dirname(path)) : []
  for (const { text, isWarning } of checks) output.line(isWarning ? output.style('yellow', `Warning: ${text}`) : text)
  if (checks.length > 0) output.line()
  if (options.dryRun === true) {
    output.result(
      { dryRun: true, words, checks },
      () => `Would sign it with ${signers.length} key(s) of ${options.keys}.`
    )
    return
  }
  await askToSign(options, io)
  const signed = await addSignatures(proposal, trusted, signers, keystore, io)
  await writeProposal(path, signed)
  const complete = isComplete(signed, trusted)
  const record = { kind: signed.kind, signatures: signed.signatures.length, complete, checks }
  output.result(signed.kind === 'upgrade' ? { version: signed.change.descriptor.version, ...record } : record, () =>
    complete
      ? `Signed. The threshold is met; anyone may publish it:\n  ${publishWords(signed, file, options)}`
      : `Signed: ${signed.signatures.length} signature(s). Pass ${file} on to the next who signs.`
  )
}

/** The signers of a keystore whose signatures would count. */
export async function signersAtHand(
  proposal: Proposal,
  trusted: TrustState,
  keystore: Keystore
): Promise<readonly Signer[]> {
  const { signersOf } = await import('@instar/signer')
  const named = signersOf(proposal, trusted)
  return keystore.keys.flatMap(({ key, signer }) => (signer !== undefined && named.includes(key.keyId) ? [signer] : []))
}

/** @throws Refused when the answer is no, InstarError BadInput when nobody can answer */
export async function askToSign(options: SigningOptions, io: Io): Promise<void> {
  if (options.yes === true) return
  if (!/^\s*y(es)?\s*$/i.test(await io.ask('Sign this? [y/N] '))) throw new Refused('Nothing was signed.')
}

/** Signs with each of them; the promise is in the ledger of the keystore before a signature exists. */
export async function addSignatures(
  proposal: Proposal,
  trusted: TrustState,
  signers: readonly Signer[],
  keystore: Keystore,
  io: Io
): Promise<Proposal> {
  const { openLedger, signProposal } = await import('@instar/signer')
  const ledger = openLedger(join(keystore.directory, 'ledger'))
  let signed = proposal
  for (const signer of signers) signed = await signProposal(signed, { trusted, signer, ledger, nowMs: io.now() })
  return signed
}

/** What a proposal says, and what is known of its checks, for people. */
export async function showProposal(proposal: Proposal, trusted: TrustState, output: Output): Promise<void> {
  const { describeProposal } = await import('@instar/signer')
  for (const line of describeProposal(proposal, trusted)) output.line(line)
  output.line()
}

function publishWords({ kind }: Proposal, file: string, { after = [], keys }: SignProposalOptions): string {
  const command = kind === 'upgrade' ? 'instar upgrade publish' : 'instar proposal publish'
  return [command, ...after, file, '--keys', keys].join(' ')
}
