import { accept, ignore, reject, type Verdict } from '@instar/core'
import { z } from 'zod'
import { verifies } from '../keys/public-key.js'
import { field, type JsonObject } from '../metadata/canonical.js'
import { admissionOf } from '../trust/admission.js'
import type { TrustState } from '../trust/state.js'
import { readEnvelope, type AdmissionEnvelope } from './envelope.js'
import { readInvitation, type Invitation } from './invitation.js'
import { parseBoundedCertificate } from './shape.js'
import { badSignature, verifyByRole } from './signatures.js'
import { flawOf, termsFields, termsOf, type AdmissionTerms } from './terms.js'

/** Says that a peer is admitted, as what and how long (§5). */
export interface Certificate extends AdmissionTerms {
  readonly network: string
  readonly peer: string
  /** The serial of the invitation that it came through; revoking that revokes this. */
  readonly invitation?: string
}

/** A certificate taken apart, nothing of it verified. */
export interface CertificateParts {
  readonly certificate: AdmissionEnvelope
  /** Whose key signed the certificate; absent where the admission keys did so themselves. */
  readonly invitation: AdmissionEnvelope | undefined
}

export const peerId = /^[1-9A-HJ-NP-Za-km-z]{32,128}$/

const certificateSchema = z.strictObject({
  _type: z.literal('certificate'),
  ...termsFields,
  peer: z.string().regex(peerId)
})

/** Size and shape. Never throws. */
export function takeApart(bytes: Uint8Array, network: string): Verdict<CertificateParts> {
  const shape = parseBoundedCertificate(bytes)
  if (shape.verdict !== 'accept') return shape
  const members = Object.keys(shape.value)
  if (members.some(each => !['signed', 'signatures', 'invitation'].includes(each)))
    return reject('NotACertificate', 'it has members that no certificate has')
  const certificate = readEnvelope(shape.value, 'certificate', network)
  if (certificate.verdict !== 'accept') return certificate
  const through = field(shape.value, 'invitation')
  if (through === undefined) return accept({ certificate: certificate.value, invitation: undefined })
  const invitation = readEnvelope(through, 'invitation', network)
  if (invitation.verdict !== 'accept') return invitation
  return accept({ certificate: certificate.value, invitation: invitation.value })
}

/** What a certificate says, its signatures aside. */
export function readCertificate({ certificate, invitation }: CertificateParts): Verdict<Certificate> {
  const own = readTerms(certificate.signed)
  if (own.verdict !== 'accept' || invitation === undefined) return own
  const through = readInvitation(invitation)
  if (through.verdict !== 'accept') return through
  const flaw = flawOfBearing(own.value, through.value)
  return flaw === undefined
    ? accept({ ...own.value, invitation: through.value.serial })
    : reject('NotACertificate', flaw)
}

function readTerms(signed: JsonObject): Verdict<Certificate> {
  const parsed = certificateSchema.safeParse(signed)
  if (!parsed.success) return reject('NotACertificate', flawOf(parsed.error))
  const terms = termsOf(parsed.data)
  if (terms.verdict !== 'accept') return terms
  return accept({ ...terms.value, network: parsed.data.network, peer: parsed.data.peer })
}

/** An invitation gives no more than it has: nobody else saw when its bearer signed. */
function flawOfBearing(certificate: Certificate, invitation: Invitation): string | undefined {
  if (certificate.class !== invitation.class) return 'it is for another class than its invitation'
  if (certificate.groups.some(group => !invitation.groups.includes(group)))
    return 'it is for a group that its invitation does not name'
  if (certificate.notBeforeMs < invitation.notBeforeMs) return 'it begins before its invitation'
  if (certificate.expiresMs > invitation.expiresMs) return 'it ends after its invitation'
  return undefined
}

/**
 * Judges a certificate but for time and revocation: size → shape → signatures → fields (R19). Pure, never throws.
 *
 * `ignore` with `NeedsNewerTrust`: the keys known here did not sign it, others may have. `reject`: malformed, of another network, or under
 * a signature that does not verify; wrong whatever anyone learns later.
 */
export function verifyCertificate(trusted: TrustState, bytes: Uint8Array): Verdict<Certificate> {
  const parts = takeApart(bytes, trusted.network)
  if (parts.verdict !== 'accept') return parts
  const { certificate, invitation } = parts.value
  const byRole = verifyByRole(trusted, invitation ?? certificate)
  if (byRole.verdict !== 'accept') return byRole
  if (invitation !== undefined) {
    const byBearer = verifyByBearer(certificate, invitation)
    if (byBearer.verdict !== 'accept') return byBearer
  }
  return readCertificate(parts.value)
}

function verifyByBearer(certificate: AdmissionEnvelope, envelope: AdmissionEnvelope): Verdict<undefined> {
  const invitation = readInvitation(envelope)
  if (invitation.verdict !== 'accept') return invitation
  const { key } = invitation.value
  const [signature, ...others] = certificate.signatures
  if (signature?.keyId !== key.keyId || others.length > 0)
    return reject('NotACertificate', 'it is not signed by the key of its invitation alone')
  return verifies(key, certificate.body, signature.sig) ? accept(undefined) : badSignature(signature)
}

/** Whether the admission role took back this certificate, or the invitation that it came through. */
export function isRevoked(trusted: TrustState, { serial, invitation }: Certificate): boolean {
  const { revoked } = admissionOf(trusted)
  return revoked.has(serial) || (invitation !== undefined && revoked.has(invitation))
}

/** Whether a certificate counts now. Pure; never throws; `reject` as {@link verifyCertificate}, all that may change is `ignore`. */
export function judgeCertificate(trusted: TrustState, bytes: Uint8Array, nowMs: number): Verdict<Certificate> {
  const verified = verifyCertificate(trusted, bytes)
  if (verified.verdict !== 'accept') return verified
  const { notBeforeMs, expiresMs, serial } = verified.value
  if (isRevoked(trusted, verified.value)) return ignore('CertificateRevoked', `certificate ${serial} was revoked`)
  if (nowMs >= expiresMs)
    return ignore('CertificateExpired', `certificate ${serial} ended at ${new Date(expiresMs).toISOString()}`)
  if (nowMs < notBeforeMs)
    return ignore('CertificateNotYetValid', `certificate ${serial} begins at ${new Date(notBeforeMs).toISOString()}`)
  return verified
}
