import { verifies } from '../keys/public-key.js'
import type { MetadataRole, Signature } from '../metadata/document.js'
import type { Delegator } from '../metadata/role-keys.js'
import { readRootKeys } from '../metadata/root.js'
import type { TrustState } from '../trust/state.js'
import type { Proposal } from './proposal.js'
import { bodyOf, roleOf } from './propose.js'

/** A threshold that a proposal has to meet, and who has signed toward it. */
export interface Quorum {
  /** Who asks for it: `root 3`, `targets 7`. */
  readonly by: string
  readonly threshold: number
  /** Key ids of everyone who may sign. */
  readonly keyIds: readonly string[]
  /** The signatures that are by them and verify. */
  readonly signed: readonly Signature[]
}

/** The thresholds of a proposal: one, and for a root that of the root before and its own. Without a delegator nobody may sign. */
export function quorumsOf(proposal: Proposal, trusted: TrustState): readonly Quorum[] {
  const body = bodyOf(proposal)
  return delegatorsOf(proposal, trusted).map(({ by, delegator, role }) => {
    const { keyIds = [], threshold = Infinity } = delegator.roles[role] ?? {}
    const signed = proposal.signatures.filter(({ keyId, sig }) => {
      const key = keyIds.includes(keyId) ? delegator.keys.get(keyId) : undefined
      return key !== undefined && verifies(key, body, sig)
    })
    return { by, threshold, keyIds, signed }
  })
}

interface NamedDelegator {
  readonly by: string
  readonly delegator: Delegator
  readonly role: MetadataRole
}

function delegatorsOf(proposal: Proposal, trusted: TrustState): readonly NamedDelegator[] {
  const role = roleOf(proposal)
  const root = trusted.roots.at(-1)
  if (role === 'halt' || role === 'admission') {
    const { targets } = trusted
    return targets === undefined
      ? []
      : [{ by: `targets ${targets.version}`, delegator: targets.model.delegations, role }]
  }
  if (root === undefined) return []
  const before = { by: `root ${root.version}`, delegator: root.model, role }
  return role === 'root' ? [before, { by: `root ${root.version + 1}`, delegator: readNext(proposal), role }] : [before]
}

/** The root that is proposed also signs for itself. */
function readNext({ body }: Proposal): Delegator {
  try {
    return readRootKeys(body)
  } catch {
    // A file of anyone's: when it is signed or finished its body is built again, and that says what is wrong.
    return { keys: new Map(), roles: {} }
  }
}

/** Key ids of everyone whose signature would count. */
export function signersOf(proposal: Proposal, trusted: TrustState): readonly string[] {
  return [...new Set(quorumsOf(proposal, trusted).flatMap(each => each.keyIds))]
}

/** The signatures that count, each once. */
export function validSignatures(proposal: Proposal, trusted: TrustState): readonly Signature[] {
  const signed = quorumsOf(proposal, trusted).flatMap(each => each.signed)
  return [...new Map(signed.map(each => [each.keyId, each])).values()]
}

/** Whether enough of those who may sign have. */
export function isComplete(proposal: Proposal, trusted: TrustState): boolean {
  const quorums = quorumsOf(proposal, trusted)
  return quorums.length > 0 && quorums.every(({ signed, threshold }) => signed.length >= threshold)
}
