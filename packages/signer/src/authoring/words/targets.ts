import type { JsonObject } from '../../metadata/canonical.js'
import { readTargets } from '../../metadata/targets.js'
import { verifyThreshold } from '../../metadata/threshold.js'
import type { TrustState } from '../../trust/state.js'
import { delegationOf, type TargetsChange } from '../kinds/targets.js'
import { delegatedRoles } from '../../metadata/document.js'
import { isChanged, roleWords } from './roles.js'
import { titleOf } from './title.js'

const nobody = { keys: {}, keyIds: [], threshold: 1 }

/** What the next targets change besides the versions that they name, and what it makes of the documents that are trusted now. */
export function targetsProposalWords(trusted: TrustState, change: TargetsChange, body: JsonObject): readonly string[] {
  const before = trusted.targets?.signed ?? {}
  const roles = delegatedRoles.filter(role => {
    const asked = change.roles[role]
    return asked !== undefined && isChanged(asked)
  })
  return [
    ...(roles.length === 0 && change.again === undefined ? ['renews the targets: nothing that they say changes'] : []),
    ...(change.again ?? []).map(
      (hash, i) => `says again: version ${i + 1} is descriptor ${hash}${titleOf(trusted, hash)}`
    ),
    ...roles.flatMap(role => roleWords(role, delegationOf(before, role) ?? nobody, delegationOf(body, role) ?? nobody)),
    ...(trusted.targets === undefined ? [] : fallWords(trusted, body))
  ]
}

/** §5: under a new delegator each register is verified again, and dropped when it no longer does. */
function fallWords(trusted: TrustState, body: JsonObject): readonly string[] {
  const { delegations } = readTargets(body)
  return delegatedRoles.flatMap(role => {
    const held = trusted[role]
    if (held === undefined || verifyThreshold(held, role, delegations).verdict === 'accept') return []
    return [
      `ends: ${role} document ${held.version}, which the new keys did not sign; what it says must be signed again (instar network renew --role ${role})`
    ]
  })
}
