import { resolve } from 'node:path'
import type { TrustState } from '@instar/signer'
import type { ControlClient } from '../control/control-client.js'
import type { Io } from '../io.js'
import { readProposal } from './proposal-file.js'
import { readTrustState } from './read-trust.js'

/** What a proposal stands on. */
export interface ProposalBase {
  /** What the peer trusts now. */
  readonly before: TrustState
  /** What it trusts once the proposals of `--after` are published. */
  readonly trusted: TrustState
}

/** @param after files of complete proposals, in the order in which they are published */
export async function readProposalBase(client: ControlClient, after: readonly string[], io: Io): Promise<ProposalBase> {
  const { finishProposals } = await import('@instar/signer')
  const before = await readTrustState(client)
  const proposals = await Promise.all(after.map(file => readProposal(resolve(io.cwd, file))))
  const { state } = await finishProposals(proposals, before, undefined, io.now())
  return { before, trusted: state }
}
