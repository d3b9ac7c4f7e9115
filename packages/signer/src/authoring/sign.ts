import { descriptorHash, InstarError } from '@instar/core'
import type { Ledger, SigningPromise } from '../keys/ledger.js'
import type { Signer } from '../keys/signer.js'
import { canonicalHash } from '../metadata/canonical.js'
import type { TrustState } from '../trust/state.js'
import { signBody, sortSignatures } from './bodies.js'
import type { Proposal } from './proposal.js'
import { bodyHashOf, bodyOf, numberOf, rebuiltBody, roleOf } from './propose.js'
import { registerOf } from './register.js'
import { signersOf } from './signatures.js'

/** Who signs, on what, and where the promise is written down. */
export interface SignInit {
  readonly trusted: TrustState
  readonly signer: Signer
  readonly ledger: Ledger
  readonly nowMs: number
}

/**
 * Adds one signature. The body is built again from what is trusted here and must come out the same, so that nobody signs more than
 * `describeProposal` showed; the promise is in the ledger before the signature exists.
 *
 * @throws InstarError KeyNotAuthorized, ProposalOutdated when the base moved, ProposalConflict when the ledger holds another body for
 * one of its numbers
 */
export async function signProposal<P extends Proposal>(
  proposal: P,
  { trusted, signer, ledger, nowMs }: SignInit
): Promise<P> {
  const { keyId } = signer.key
  const role = roleOf(proposal)
  if (!signersOf(proposal, trusted).includes(keyId)) {
    throw new InstarError(
      'KeyNotAuthorized',
      `This network does not name key ${keyId.slice(0, 8)} for ${role}: it cannot sign this.`,
      { detail: { role, keyId } }
    )
  }
  assertFits(proposal, trusted)
  const promise = { network: proposal.network, keyId, atMs: nowMs }
  await ledger.promise([
    { ...promise, kind: role, number: numberOf(proposal), hash: bodyHashOf(proposal) },
    ...upgradePromise(proposal, promise)
  ])
  const others = proposal.signatures.filter(each => each.keyId !== keyId)
  const signatures = sortSignatures([...others, await signBody(bodyOf(proposal), signer)])
  return { ...proposal, signatures }
}

/** Two descriptors for one version would freeze it, in whatever revisions they stand. */
function upgradePromise(
  proposal: Proposal,
  promise: Pick<SigningPromise, 'network' | 'keyId' | 'atMs'>
): readonly SigningPromise[] {
  if (proposal.kind !== 'upgrade') return []
  const { descriptor } = proposal.change
  return [{ ...promise, kind: 'upgrade', number: descriptor.version, hash: descriptorHash(descriptor) }]
}

/** Whether the network took over exactly this proposal already. */
export function isPublished(proposal: Proposal, trusted: TrustState): boolean {
  return registerOf(trusted, roleOf(proposal))?.bodyHash === bodyHashOf(proposal)
}

/** Checks that a proposal is the next step from what is trusted here, and nothing more. @throws InstarError */
export function assertFits(proposal: Proposal, trusted: TrustState): void {
  if (proposal.network !== trusted.network) throw new InstarError('WrongNetwork', 'The proposal is of another network.')
  if (isPublished(proposal, trusted)) return
  const role = roleOf(proposal)
  const base = registerOf(trusted, role)
  const stands = base === undefined ? proposal.base.hash === trusted.network : isBase(proposal, base)
  if (!stands) {
    throw new InstarError(
      'ProposalOutdated',
      `The proposal follows ${role} ${proposal.base.version}, the network is at ${base?.version ?? 'none'}: re-base it, and have it signed again.`,
      { detail: { role, base: proposal.base.version, newest: base?.version } }
    )
  }
  if (canonicalHash(rebuiltBody(proposal, trusted)) !== bodyHashOf(proposal)) {
    throw new InstarError(
      'BadInput',
      `The proposal changes more in the ${role} document than it shows: do not sign it.`,
      { detail: { role } }
    )
  }
}

function isBase({ base }: Proposal, { version, bodyHash }: { version: number; bodyHash: string }): boolean {
  return base.version === version && base.hash === bodyHash
}
