import { descriptorHash, InstarError, sha256Hex } from '@instar/core'
import type { Ledger } from '../keys/ledger.js'
import { verifies } from '../keys/public-key.js'
import type { Signer } from '../keys/signer.js'
import { canonicalBytes, field } from '../metadata/canonical.js'
import type { Signature } from '../metadata/document.js'
import { authorizedKeys } from '../trust/holders.js'
import type { TrustState } from '../trust/state.js'
import { signBody, sortSignatures } from './bodies.js'
import { assertDescriptorFits, assertManifestsFit, baseOf, bodyOf, nextTargets, type Proposal } from './proposal.js'

/** Who signs, on what, and where the promise is written down. */
export interface SignInit {
  readonly trusted: TrustState
  readonly signer: Signer
  readonly ledger: Ledger
  readonly nowMs: number
}

/**
 * Adds one author's signature. The body is built again from what is trusted here and must come out the same, so that nobody signs more
 * than {@link describeProposal} showed; the promise is in the ledger before the signature exists.
 *
 * @throws InstarError KeyNotAuthorized, ProposalOutdated when the base moved, ProposalConflict when the ledger holds another body for
 * one of its numbers
 */
export async function signProposal(
  proposal: Proposal,
  { trusted, signer, ledger, nowMs }: SignInit
): Promise<Proposal> {
  const { keyId } = signer.key
  if (!authorizedKeys(trusted, 'targets').includes(keyId)) {
    throw new InstarError(
      'KeyNotAuthorized',
      `The root of this network does not name key ${keyId.slice(0, 8)} as an author.`,
      {
        detail: { role: 'targets', keyId }
      }
    )
  }
  assertFits(proposal, trusted)
  const body = bodyOf(proposal)
  const { network, descriptor } = proposal
  const promise = { network, keyId, atMs: nowMs }
  await ledger.promise([
    { ...promise, kind: 'targets', number: proposal.base.revision + 1, hash: sha256Hex(body) },
    { ...promise, kind: 'upgrade', number: descriptor.version, hash: descriptorHash(descriptor) }
  ])
  const others = proposal.signatures.filter(each => each.keyId !== keyId)
  return Object.freeze({ ...proposal, signatures: sortSignatures([...others, await signBody(body, signer)]) })
}

/** Whether the network took over exactly this proposal already. */
export function isPublished(proposal: Proposal, trusted: TrustState): boolean {
  return trusted.targets?.bodyHash === sha256Hex(bodyOf(proposal))
}

/** Checks that a proposal is the next step from what is trusted here, and nothing more. @throws InstarError */
export function assertFits(proposal: Proposal, trusted: TrustState): void {
  if (proposal.network !== trusted.network) throw new InstarError('WrongNetwork', 'The proposal is of another network.')
  if (isPublished(proposal, trusted)) return
  const base = baseOf(trusted)
  if (base.version !== proposal.base.revision || base.bodyHash !== proposal.base.hash) {
    throw new InstarError(
      'ProposalOutdated',
      `The proposal follows targets revision ${proposal.base.revision}, the network is at ${base.version}: re-base it, and have it signed again.`,
      { detail: { base: proposal.base.revision, newest: base.version, version: proposal.descriptor.version } }
    )
  }
  assertDescriptorFits(proposal.descriptor, trusted)
  assertManifestsFit(proposal.descriptor, proposal.manifests)
  const expires = field(proposal.targets, 'expires')
  const expected = nextTargets(trusted, base, proposal.descriptor, typeof expires === 'string' ? expires : '')
  if (sha256Hex(canonicalBytes(expected)) !== sha256Hex(bodyOf(proposal))) {
    throw new InstarError(
      'BadInput',
      'The proposal changes more in the targets than the descriptor that it shows: do not sign it.'
    )
  }
}

/** The signatures of a proposal that are by authors and verify. */
export function validSignatures(proposal: Proposal, trusted: TrustState): readonly Signature[] {
  const root = trusted.roots.at(-1)?.model
  if (root === undefined) return []
  const body = bodyOf(proposal)
  return proposal.signatures.filter(({ keyId, sig }) => {
    const key = root.roles.targets.keyIds.includes(keyId) ? root.keys.get(keyId) : undefined
    return key !== undefined && verifies(key, body, sig)
  })
}

/** Whether enough authors signed. */
export function isComplete(proposal: Proposal, trusted: TrustState): boolean {
  return validSignatures(proposal, trusted).length >= authorThreshold(trusted)
}

/** How many authors must sign; infinite without a root. */
export function authorThreshold(trusted: TrustState): number {
  return trusted.roots.at(-1)?.model.roles.targets.threshold ?? Infinity
}
