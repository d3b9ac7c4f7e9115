import type { JsonObject } from '../../metadata/canonical.js'
import { topLevelRoles } from '../../metadata/document.js'
import { readRootKeys } from '../../metadata/root.js'
import { verifyThreshold } from '../../metadata/threshold.js'
import type { TrustState } from '../../trust/state.js'
import { rootRoleOf, type Decision, type RootChange } from '../kinds/root.js'
import { isChanged, roleWords } from './roles.js'
import { titleOf } from './title.js'
import { plural } from './text.js'

/** What the next root changes, and what it makes of the documents that are trusted now. */
export function rootProposalWords(trusted: TrustState, change: RootChange, body: JsonObject): readonly string[] {
  const before = trusted.roots.at(-1)?.signed ?? {}
  const roles = topLevelRoles.filter(role => {
    const asked = change.roles[role]
    return asked !== undefined && isChanged(asked)
  })
  return [
    ...(roles.length === 0 && change.decisions.length === 0 ? ['renews the root: keys and thresholds stay'] : []),
    ...roles.flatMap(role => roleWords(role, rootRoleOf(before, role), rootRoleOf(body, role))),
    ...change.decisions.flatMap(each => decisionWords(trusted, each)),
    ...fallWords(trusted, body)
  ]
}

function decisionWords(trusted: TrustState, { version, keep }: Decision): readonly string[] {
  const fork = trusted.named.forks.find(each => each.version === version)
  const losers = (fork?.hashes ?? []).filter(each => each !== keep)
  const head =
    keep === 'none'
      ? `decides: version ${version} is none of them; the network ends at version ${version - 1} until a later root decides otherwise`
      : `decides: version ${version} is descriptor ${keep}${titleOf(trusted, keep)}`
  return [head, ...losers.map(each => `  loses: descriptor ${each}${titleOf(trusted, each)}`)]
}

/** §5: under a new root each register is verified again, and dropped when it no longer does. */
function fallWords(trusted: TrustState, body: JsonObject): readonly string[] {
  const root = readRootKeys(body)
  return (['targets', 'snapshot', 'timestamp'] as const).flatMap(role => {
    const held = trusted[role]
    if (held === undefined || verifyThreshold(held, role, root).verdict === 'accept') return []
    const next =
      role === 'targets'
        ? `the ${plural(trusted.named.run.length, 'version')} that it names must be signed again (instar network renew --role targets)`
        : 'whoever holds the online keys signs the next one'
    return [`ends: ${role} ${held.version}, which the new keys did not sign; ${next}`]
  })
}
