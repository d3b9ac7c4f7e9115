import { InstarError, messageOf } from '@instar/core'
import { signBody, toExpires } from '../authoring/bodies.js'
import type { Signer } from '../keys/signer.js'
import { canonicalBytes } from '../metadata/canonical.js'
import { authorizedKeys, thresholdOf } from '../trust/holders.js'
import type { TrustState } from '../trust/state.js'
import { peerId, readCertificate, takeApart, type Certificate, type CertificateParts } from './certificate.js'
import { encodeBounded, envelopeJson } from './envelope.js'
import { bearerKey, parseInvitation, type BearerInvitation } from './invitation.js'
import { parseBoundedCertificate } from './shape.js'
import { verifyByRole } from './signatures.js'
import { termsBody, type TermsInit } from './terms.js'

/** Whom a certificate admits, and on what terms. */
export interface CertificateInit extends TermsInit {
  readonly peer: string
}

/** A certificate signed by these; more may sign it later, see {@link addSignature}. @throws InstarError BadInput */
export async function issueCertificate(init: CertificateInit, signers: readonly Signer[]): Promise<Uint8Array> {
  if (!peerId.test(init.peer))
    throw new InstarError(
      'BadInput',
      `"${init.peer}" is no peer id: instar status shows it at the peer, give it whole.`
    )
  const signed = { ...termsBody('certificate', init), peer: init.peer }
  const body = canonicalBytes(signed)
  const signatures = await Promise.all(signers.map(signer => signBody(body, signer)))
  const bytes = encodeBounded('certificate', envelopeJson(signed, signatures))
  parseCertificate(bytes, init.network)
  return bytes
}

/** Reads a certificate that somebody hands over, its signatures unverified. @throws InstarError BadInput, WrongNetwork */
export function parseCertificate(bytes: Uint8Array, network: string): Certificate {
  const read = readCertificate(partsOf(bytes, network))
  if (read.verdict === 'accept') return read.value
  throw new InstarError('BadInput', `This is no certificate that anybody would take: ${read.detail}.`)
}

/** One more signature on a certificate that waits for its threshold. @throws InstarError BadInput, WrongNetwork, KeyNotAuthorized */
export async function addSignature(trusted: TrustState, bytes: Uint8Array, signer: Signer): Promise<Uint8Array> {
  const { keyId } = signer.key
  if (!authorizedKeys(trusted, 'admission').includes(keyId)) {
    throw new InstarError('KeyNotAuthorized', `Key ${keyId.slice(0, 8)} does not hold the admission role.`, {
      detail: { role: 'admission', keyId }
    })
  }
  parseCertificate(bytes, trusted.network)
  const { certificate, invitation } = partsOf(bytes, trusted.network)
  if (invitation !== undefined)
    throw new InstarError(
      'BadInput',
      'This certificate came through an invitation: its peer signed it, nobody else can.'
    )
  const others = certificate.signatures.filter(each => each.keyId !== keyId)
  const signatures = [...others, await signBody(certificate.body, signer)]
  return encodeBounded('certificate', envelopeJson(certificate.signed, signatures))
}

/** How many admission keys signed it, and how many must; the latter is infinite where nobody holds the role. */
export function signatureCount(
  trusted: TrustState,
  bytes: Uint8Array
): { readonly signed: number; readonly threshold: number } {
  const { certificate, invitation } = partsOf(bytes, trusted.network)
  const envelope = invitation ?? certificate
  const holders = authorizedKeys(trusted, 'admission')
  const signed = envelope.signatures.filter(({ keyId }) => holders.includes(keyId)).length
  const verified = verifyByRole(trusted, envelope)
  if (verified.verdict === 'reject')
    throw new InstarError('BadInput', `The certificate was changed: ${verified.detail}.`)
  return { signed, threshold: thresholdOf(trusted, 'admission') }
}

/**
 * The certificate that the bearer of an invitation makes for a peer: on the invitation's terms, until it ends.
 *
 * @throws InstarError BadTicket when the invitation cannot be used
 */
export async function acceptInvitation(
  bearer: BearerInvitation,
  { network, peer, nowMs }: { readonly network: string; readonly peer: string; readonly nowMs: number }
): Promise<Uint8Array> {
  const parsed = parseInvitation(bearer.document, network)
  if (parsed.verdict !== 'accept') throw badInvitation(parsed.detail)
  const { expiresMs, notBeforeMs, groups, class: className } = parsed.value
  if (nowMs >= expiresMs) throw badInvitation(`it ended at ${new Date(expiresMs).toISOString()}`)
  const signer = bearerOf(bearer)
  if (signer.key.keyId !== parsed.value.key.keyId) throw badInvitation('its key is another one')
  const base = termsBody('certificate', { network, class: className, groups, nowMs, lifeMs: expiresMs - nowMs })
  // Not before its invitation, which may begin later by the clock of this peer.
  const notBefore = toExpires(Math.max(notBeforeMs, Date.parse(base.notBefore)))
  const signed = { ...base, peer, notBefore }
  const signatures = [await signBody(canonicalBytes(signed), signer)]
  const through = parseBoundedCertificate(bearer.document)
  if (through.verdict !== 'accept') throw badInvitation(through.detail)
  const bytes = encodeBounded('certificate', { ...envelopeJson(signed, signatures), invitation: through.value })
  parseCertificate(bytes, network)
  return bytes
}

function bearerOf({ secret }: BearerInvitation): Signer {
  try {
    return bearerKey(secret)
  } catch (cause) {
    throw badInvitation(`its key is none: ${messageOf(cause, 80)}`)
  }
}

function badInvitation(flaw: string): InstarError {
  return new InstarError('BadTicket', `The invitation in the ticket cannot be used: ${flaw}. Ask for a new one.`)
}

function partsOf(bytes: Uint8Array, network: string): CertificateParts {
  const parts = takeApart(bytes, network)
  if (parts.verdict === 'accept') return parts.value
  const code = parts.code === 'WrongNetwork' ? 'WrongNetwork' : 'BadInput'
  throw new InstarError(code, `This is no certificate of this network: ${parts.detail}.`)
}
