import { z } from 'zod'
import {
  groupConfigurationSchema,
  groupPath,
  policyPath,
  revokedPath,
  type AdmissionPolicy,
  type GroupConfiguration
} from '../../metadata/admission.js'
import { canonicalHash, type JsonObject } from '../../metadata/canonical.js'
import { admissionOf } from '../../trust/admission.js'
import type { TrustState } from '../../trust/state.js'
import { delegatedBody } from '../bodies.js'
import { notProposed, type BodyRules, type Frame } from '../register.js'

/** Who counts. What is left out stays as it is; without anything, the same for longer. */
export interface AdmissionChange {
  readonly policy?: AdmissionPolicy
  /** Serial numbers that count no more. */
  readonly revoke?: readonly string[]
  /** Serial numbers that need no mention any more, because what bore them has expired. */
  readonly forget?: readonly string[]
  /** The next configurations of groups, whole: {@link nextGroup} makes them. */
  readonly groups?: readonly GroupConfiguration[]
}

const serials = z.array(z.string().regex(/^[0-9a-f]{32}$/)).max(2000)
const changeSchema = z
  .strictObject({
    policy: z.enum(['open', 'certificate']).optional(),
    revoke: serials.optional(),
    forget: serials.optional(),
    groups: z.array(groupConfigurationSchema).max(256).optional()
  })
  .transform(
    change => Object.fromEntries(Object.entries(change).filter(([, value]) => value !== undefined)) as AdmissionChange
  )

export const admissionKind: BodyRules<AdmissionChange> = {
  role: 'admission',
  next: nextAdmission,
  parse: value => changeSchema.parse(value),
  rebase: (change, trusted) =>
    change.groups === undefined ? change : { ...change, groups: change.groups.map(each => nextGroup(trusted, each)) }
}

/** The configuration of a group that follows the one that is trusted, with these members and this limit. */
export function nextGroup(
  trusted: TrustState,
  { group, members, limit }: Pick<GroupConfiguration, 'group' | 'members' | 'limit'>
): GroupConfiguration {
  const before = admissionOf(trusted).groups.get(group)
  return {
    format: 1,
    group,
    configuration: (before?.configuration ?? 0) + 1,
    previous: before === undefined ? trusted.network : canonicalHash(before),
    members: [...new Set(members)].sort(),
    limit
  }
}

function nextAdmission(trusted: TrustState, change: AdmissionChange, frame: Frame): JsonObject {
  const { policy, revoked, groups } = admissionOf(trusted)
  const forgotten = new Set(change.forget)
  const serials = [...new Set([...revoked, ...(change.revoke ?? [])])].filter(each => !forgotten.has(each)).sort()
  const configurations = new Map(groups)
  for (const group of change.groups ?? []) {
    assertFollows(trusted, group, frame)
    configurations.set(group.group, group)
  }
  const values: readonly (readonly [string, JsonObject])[] = [
    [policyPath, { format: 1, policy: change.policy ?? policy }],
    ...(serials.length === 0 ? [] : [[revokedPath, { format: 1, serials }] as const]),
    ...[...configurations.values()].map(each => [groupPath(each.group), { ...each }] as const)
  ]
  return delegatedBody('admission', frame.version, values, frame.expires)
}

/** §3: configurations follow each other one by one, or members of two could grant the same slot. */
function assertFollows(trusted: TrustState, group: GroupConfiguration, { base }: Frame): void {
  const next = nextGroup(trusted, group)
  // Where a rotation dropped the register nothing is known of the group, and people say again where it stands.
  if (base === undefined) return
  if (group.configuration !== next.configuration || group.previous !== next.previous) {
    throw notProposed(
      `its configuration ${group.configuration} of group ${group.group} does not follow configuration ${next.configuration - 1}`
    )
  }
}
