import { classAt, type Admission, type PeerState } from '@instar/core'
import { admissionOf, type TrustState } from '@instar/signer'
import type { AdmissionStatus, CertificateStatus } from '../control/schema/status.js'
import { toAdmission } from './peer-judge.js'
import type { AdmissionService } from './admission-service.js'

const dayMs = 86_400_000
/** Of a certificate's life: what is left when its peer's operator is told to have it renewed. */
const renewalShare = 0.25

type Asked = Pick<AdmissionService, 'own' | 'ownAdmission'>

/** Whether this peer counts, and by what the others judge it. */
export function admissionStatus(admission: Asked, trusted: TrustState, wallMs: number): AdmissionStatus {
  const { policy, revoked, groups } = admissionOf(trusted)
  const own = admission.own()
  const reason = reasonOf(admission.ownAdmission(), wallMs)
  return {
    policy,
    admitted: reason === undefined,
    ...(reason === undefined ? {} : { reason }),
    ...(own === undefined ? {} : { certificate: certificateStatus(toAdmission(own.certificate)) }),
    revoked: revoked.size,
    groups: [...groups.values()]
      .sort((a, b) => (a.group < b.group ? -1 : 1))
      .map(({ group, configuration, members, limit }) => ({ group, configuration, members: [...members], limit }))
  }
}

function reasonOf(admission: Admission, wallMs: number): string | undefined {
  if (admission.by === 'policy') return undefined
  if (admission.by === 'nothing') return admission.reason
  if (wallMs < admission.fromMs) return `its certificate counts only from ${time(admission.fromMs)}`
  return wallMs < admission.untilMs ? undefined : `its certificate ended at ${time(admission.untilMs)}`
}

/** What the operator has to do so that this peer counts, and goes on counting; one sentence each (R18). */
export function admissionProblems(
  status: AdmissionStatus,
  state: Readonly<PeerState>,
  wallMs: number
): readonly string[] {
  const { certificate } = status
  const admit = `a holder of an admission key runs \`instar admit ${state.config.peer} --class ${certificate?.class ?? className(state)}${(certificate?.groups ?? state.config.groups).map(group => ` --group ${group}`).join('')}\``
  if (!status.admitted)
    return [
      `This peer is not admitted (${status.reason ?? 'NotAdmitted'}): what it announces counts nowhere, until ${admit}.`
    ]
  if (status.policy === 'open' || certificate === undefined) return []
  return [...renewal(certificate, admit, wallMs), ...otherGroups(certificate, state.config.groups)]
}

function renewal({ notBefore, expires }: CertificateStatus, admit: string, wallMs: number): readonly string[] {
  const untilMs = Date.parse(expires)
  const leftMs = untilMs - wallMs
  if (leftMs > renewalShare * (untilMs - Date.parse(notBefore))) return []
  const left = leftMs >= dayMs ? `${Math.floor(leftMs / dayMs)} d` : `${Math.max(1, Math.floor(leftMs / 3_600_000))} h`
  return [
    `The certificate of this peer ends at ${expires}, in ${left}: it counts no more then, unless ${admit} before.`
  ]
}

function otherGroups({ groups }: CertificateStatus, own: readonly string[]): readonly string[] {
  const missing = own.filter(group => !groups.includes(group))
  return missing.length === 0
    ? []
    : [`This peer says that it is in ${missing.join(', ')}, and its certificate does not: there it counts for nothing.`]
}

function className({ config, lineage, log, running }: Readonly<PeerState>): string {
  return lineage === undefined ? (config.className ?? '<name>') : classAt(log, lineage, running).className
}

/** A certificate as people see it. */
export function certificateStatus(certificate: Extract<Admission, { by: 'certificate' }>): CertificateStatus {
  const { serial, class: name, groups, fromMs, untilMs, invitation } = certificate
  return {
    serial,
    class: name,
    groups: [...groups],
    notBefore: time(fromMs),
    expires: time(untilMs),
    ...(invitation === undefined ? {} : { invitation })
  }
}

function time(ms: number): string {
  return new Date(ms).toISOString()
}
