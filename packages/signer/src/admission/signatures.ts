import { accept, ignore, reject, type Verdict } from '@instar/core'
import { verifies } from '../keys/public-key.js'
import type { Signature } from '../metadata/document.js'
import { authorizedKeys, keyOf, thresholdOf } from '../trust/holders.js'
import type { TrustState } from '../trust/state.js'
import type { AdmissionEnvelope } from './envelope.js'

/**
 * The signatures by keys of the admission role, at least as many as it asks for. As with metadata (`verifyThreshold`): one under a known
 * key that does not verify is wrong for ever, too few known keys may be enough for whoever knows more.
 */
export function verifyByRole(trusted: TrustState, envelope: AdmissionEnvelope): Verdict<readonly Signature[]> {
  const holders = authorizedKeys(trusted, 'admission')
  const threshold = thresholdOf(trusted, 'admission')
  const claimed = envelope.signatures.filter(({ keyId }) => holders.includes(keyId))
  // Not worth a verification (R19).
  if (claimed.length < threshold) return tooFew(claimed.length, threshold)
  const verified: Signature[] = []
  for (const signature of claimed) {
    const key = keyOf(trusted, 'admission', signature.keyId)
    if (key === undefined) continue
    if (!verifies(key, envelope.body, signature.sig)) return badSignature(signature)
    verified.push(signature)
  }
  return verified.length < threshold ? tooFew(verified.length, threshold) : accept(verified)
}

export function badSignature({ keyId }: Signature): Verdict<never> {
  return reject('BadSignature', `the signature by key ${keyId.slice(0, 8)} is not over this`)
}

function tooFew(known: number, threshold: number): Verdict<never> {
  const detail = Number.isFinite(threshold)
    ? `it is signed by ${known} of the ${threshold} admission keys that the trust known here asks for`
    : 'the trust known here gives nobody the admission role'
  return ignore('NeedsNewerTrust', detail)
}
