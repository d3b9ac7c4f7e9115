import { chainId, InstarError } from '@instar/core'
import { groupPath, revokedPath } from '../metadata/admission.js'
import { delegatedRoles } from '../metadata/document.js'
import { haltPath } from '../metadata/halt.js'
import { keepNone } from '../metadata/root.js'
import { admissionOf } from '../trust/admission.js'
import { decisionsOf } from '../trust/forks.js'
import { haltsOf } from '../trust/halts.js'
import type { HeldDescriptor, TrustState } from '../trust/state.js'
import type { AdmissionChange } from './kinds/admission.js'
import type { HaltChange } from './kinds/halt.js'
import type { TargetsChange } from './kinds/targets.js'

/**
 * The renewal of the targets. Where a rotation dropped them (`before` is from before it, where known), the next ones say again which
 * versions there are, as the root decided, and who may halt and admit.
 *
 * `upTo` is the last version that counts, the newest where absent; `without` are roles whose keys are not named again.
 *
 * @throws InstarError ProposalConflict where two descriptors follow and nobody decided
 */
export function targetsAgain(
  trusted: TrustState,
  before: TrustState,
  options: { readonly upTo?: number; readonly without?: readonly string[] } = {}
): TargetsChange {
  const { upTo = Infinity, without = [] } = options
  if (trusted.targets !== undefined) return { roles: {} }
  const again = versionsAgain(trusted, before, upTo)
  const delegations = before.targets?.model.delegations
  const roles = delegatedRoles.flatMap(role => {
    const held = delegations?.roles[role]
    if (held === undefined || without.includes(role)) return []
    const add = held.keyIds.flatMap(keyId => delegations?.keys.get(keyId) ?? [])
    return [[role, { add, remove: [], threshold: held.threshold }] as const]
  })
  return { roles: Object.fromEntries(roles), again }
}

/** Those that were named before, or else those that are held here and follow each other. */
function versionsAgain(trusted: TrustState, before: TrustState, upTo: number): readonly string[] {
  const again: string[] = []
  for (let previous = trusted.network; again.length < upTo;) {
    const version = again.length + 1
    const decision = decisionsOf(trusted).get(version)
    if (decision === keepNone) break
    const named = decision ?? before.named.run[again.length]?.hash
    const next = nextHeld(trusted, version, previous, before.targets === undefined ? decision : named)
    if (next === undefined) break
    again.push(next.hash)
    previous = chainId(previous, version, next.hash)
  }
  return again
}

function nextHeld(
  trusted: TrustState,
  version: number,
  previous: string,
  named: string | undefined
): HeldDescriptor | undefined {
  const [only, other] = [...trusted.descriptors.values()].filter(
    each => each.version === version && each.previous === previous && (named === undefined || each.hash === named)
  )
  if (other === undefined) return only
  throw new InstarError(
    'ProposalConflict',
    `Two descriptors of version ${version} are here: name the last version that counts, or let the root decide (instar network resolve ${version}).`
  )
}

/** The renewal of the halt document; where a rotation dropped it, what it said, but for these paths (`halt/3`). */
export function haltsAgain(trusted: TrustState, before: TrustState, without: readonly string[]): HaltChange {
  if (trusted.halt !== undefined) return { orders: [] }
  const orders = [...haltsOf(before).values()]
  return { orders: orders.filter(each => !without.includes(haltPath(each.version))) }
}

/** The renewal of the admission document; where a rotation dropped it, what it said, but for these paths (`admission/revoked`). */
export function admissionAgain(trusted: TrustState, before: TrustState, without: readonly string[]): AdmissionChange {
  if (trusted.admission !== undefined) return {}
  const { policy, revoked, groups } = admissionOf(before)
  return {
    policy,
    revoke: without.includes(revokedPath) ? [] : [...revoked],
    groups: [...groups.values()].filter(each => !without.includes(groupPath(each.group)))
  }
}
