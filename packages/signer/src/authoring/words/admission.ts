import type { GroupConfiguration } from '../../metadata/admission.js'
import { admissionOf } from '../../trust/admission.js'
import type { TrustState } from '../../trust/state.js'
import type { AdmissionChange } from '../kinds/admission.js'
import { listOf, plural } from './text.js'

/** Who counts from now on. */
export function admissionProposalWords(trusted: TrustState, change: AdmissionChange): readonly string[] {
  const before = admissionOf(trusted)
  const { policy = before.policy, revoke = [], forget = [], groups = [] } = change
  const revoked = new Set([...before.revoked, ...revoke].filter(each => !forget.includes(each)))
  const isRenewal = change.policy === undefined && revoke.length + forget.length + groups.length === 0
  return [
    ...(isRenewal ? ['renews the admission document: what it says stays'] : []),
    ...(change.policy === undefined ? [] : [`policy: ${before.policy} → ${policy}, ${policyWords[policy]}`]),
    ...revoke.map(each => `revokes: certificate ${each}`),
    ...forget.map(each => `forgets: revoked certificate ${each}; if it has not expired, it counts again`),
    ...(revoke.length + forget.length === 0 ? [] : [`revoked are then ${plural(revoked.size, 'certificate')}`]),
    ...groups.flatMap(each => groupWords(before.groups.get(each.group), each))
  ]
}

const policyWords = {
  open: 'every peer that proves its identity counts',
  certificate: 'only peers with a certificate count'
}

function groupWords(before: GroupConfiguration | undefined, group: GroupConfiguration): readonly string[] {
  const comes = group.members.filter(each => before?.members.includes(each) !== true)
  const goes = (before?.members ?? []).filter(each => !group.members.includes(each))
  return [
    `group ${group.group}: configuration ${before?.configuration ?? 'none'} → ${group.configuration}, ${plural(group.members.length, 'member')}, at most ${group.limit} down at once${before === undefined || before.limit === group.limit ? '' : listOf([`before ${before.limit}`])}`,
    ...goes.map(each => `  goes: ${each}`),
    ...comes.map(each => `  comes: ${each}`)
  ]
}
