import { openAdmission, type Admission, type Verdict } from '@instar/core'
import {
  admissionOf,
  authorizedKeys,
  isRevoked,
  thresholdOf,
  verifyCertificate,
  type Certificate,
  type TrustState
} from '@instar/signer'

/** Says of peers whether they count, by what the admission role has signed (R21). */
export interface PeerJudge {
  /** By the certificate that it shows, in base64. Every statement repeats it: what was judged before costs nothing. */
  judge(peer: string, certificate: string | undefined): Admission
}

/** Certificates whose signatures need not be verified again; one is at most 6 KB. */
const verifiedMax = 20_000

export function createPeerJudge(trusted: () => TrustState): PeerJudge {
  let verified = new Map<string, Verdict<Certificate>>()
  let holders = ''

  /** Signatures stand as long as the keys do; policy and revocations are asked each time. */
  const verify = (state: TrustState, text: string): Verdict<Certificate> => {
    const held = JSON.stringify([authorizedKeys(state, 'admission'), thresholdOf(state, 'admission')])
    if (held !== holders) {
      holders = held
      verified = new Map()
    }
    const known = verified.get(text)
    if (known !== undefined) return known
    const verdict = verifyCertificate(state, new Uint8Array(Buffer.from(text, 'base64')))
    const oldest = verified.keys().next().value
    if (verified.size >= verifiedMax && oldest !== undefined) verified.delete(oldest)
    verified.set(text, verdict)
    return verdict
  }

  return {
    judge(peer, text) {
      const state = trusted()
      if (admissionOf(state).policy === 'open') return openAdmission
      if (text === undefined) return nothing('NotAdmitted', 'it shows no certificate')
      const verdict = verify(state, text)
      if (verdict.verdict !== 'accept')
        return nothing(verdict.code, `its certificate does not count: ${verdict.detail}`)
      const certificate = verdict.value
      if (certificate.peer !== peer) return nothing('NotAdmitted', 'its certificate is for another peer')
      if (isRevoked(state, certificate)) return nothing('CertificateRevoked', 'its certificate was revoked')
      return toAdmission(certificate)
    }
  }
}

function nothing(code: string, reason: string): Admission {
  return { by: 'nothing', code, reason }
}

/** What a certificate that verified admits to. */
export function toAdmission(certificate: Certificate): Extract<Admission, { by: 'certificate' }> {
  const { notBeforeMs, expiresMs, class: className, groups, serial, invitation } = certificate
  return {
    by: 'certificate',
    fromMs: notBeforeMs,
    untilMs: expiresMs,
    class: className,
    groups,
    serial,
    ...(invitation === undefined ? {} : { invitation })
  }
}

/** Whether a statement on this ground counts at this moment, as far as that can be said without knowing the classes. */
export function countsAt(admission: Admission, wallMs: number): boolean {
  if (admission.by !== 'certificate') return admission.by === 'policy'
  return admission.fromMs <= wallMs && wallMs < admission.untilMs
}
