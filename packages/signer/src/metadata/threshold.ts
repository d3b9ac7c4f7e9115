import { accept, ignore, reject, type Verdict } from '@instar/core'
import { verifies } from '../keys/public-key.js'
import type { Document, Envelope, MetadataRole, Signature } from './document.js'
import type { Delegator } from './role-keys.js'

/**
 * Checks a document's signatures against the keys and the threshold that `delegator` gives a role. Returns those that verified.
 *
 * A signature under a known key that does not verify is wrong whatever anyone learns later, because the key id is the hash of the
 * key: reject. Too few known keys may become enough with a newer root: ignore, and pull.
 */
export function verifyThreshold(
  document: Document,
  role: MetadataRole,
  delegator: Delegator
): Verdict<readonly Signature[]> {
  const claimed = claims(document, role, delegator)
  if (claimed.verdict !== 'accept') return claimed
  const threshold = delegator.roles[role]?.threshold ?? Infinity
  const verified: Signature[] = []
  for (const signature of claimed.value) {
    const key = delegator.keys.get(signature.keyId)
    if (key === undefined) continue
    if (!verifies(key, document.body, signature.sig)) {
      return reject('BadSignature', `the signature by key ${signature.keyId.slice(0, 8)} is not over this document`)
    }
    verified.push(signature)
  }
  return verified.length < threshold ? tooFew(document, verified.length, threshold) : accept(verified)
}

/**
 * The signatures that stand under keys of the role, not verified. Fewer than the threshold asks for are worth neither a verification nor
 * bringing the body into its canonical form.
 */
export function claims(envelope: Envelope, role: MetadataRole, delegator: Delegator): Verdict<readonly Signature[]> {
  const holders = delegator.roles[role]
  if (holders === undefined) return ignore('NeedsNewerTrust', `no targets known here give anyone the role ${role}`)
  const { keyIds, threshold } = holders
  const claimed = envelope.signatures.filter(({ keyId }) => keyIds.includes(keyId))
  return claimed.length < threshold ? tooFew(envelope, claimed.length, threshold) : accept(claimed)
}

function tooFew(document: Envelope, known: number, threshold: number): Verdict<never> {
  return ignore(
    'NeedsNewerTrust',
    `${document.role} ${document.version} is signed by ${known} of the ${threshold} keys that the trust known here asks for`
  )
}
