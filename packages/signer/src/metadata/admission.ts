import { z } from 'zod'
import type { JsonObject } from './canonical.js'
import { digest, parseValue, readDelegatedValues } from './delegated-targets.js'

const groupName = /^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/

const policyValue = z.strictObject({ format: z.literal(1), policy: z.enum(['open', 'certificate']) })
const revokedValue = z.strictObject({
  format: z.literal(1),
  serials: z.array(z.string().regex(/^[0-9a-f]{32}$/)).refine(isAscending, 'not in ascending order')
})
export const groupConfigurationSchema = z
  .strictObject({
    format: z.literal(1),
    group: z.string().regex(groupName),
    configuration: z.int().min(1),
    /** sha-256 of the canonical configuration before; the network id at the first. */
    previous: digest,
    members: z
      .array(z.string().regex(/^[1-9A-HJ-NP-Za-km-z]{32,128}$/))
      .min(1)
      .refine(isAscending, 'not in ascending order'),
    /** How many members may be down at once. */
    limit: z.int().min(1)
  })
  .refine(({ limit, members }) => limit <= members.length, 'its limit is above the number of its members')

/** Who is in a group, signed and counted (§3). */
export type GroupConfiguration = Readonly<z.infer<typeof groupConfigurationSchema>>
/** `open`: whoever proves its identity counts; `certificate`: who shows one of the admission role's (§5). */
export type AdmissionPolicy = z.infer<typeof policyValue>['policy']

/** What the admission role says: who counts, and who is in which group. */
export interface AdmissionMetadata {
  readonly policy: AdmissionPolicy
  /** Serial numbers of certificates and invitations that count no more. */
  readonly revoked: ReadonlySet<string>
  readonly groups: ReadonlyMap<string, GroupConfiguration>
}

export const policyPath = 'admission/policy'
export const revokedPath = 'admission/revoked'
const groupPrefix = 'admission/group-'

export function groupPath(group: string): string {
  return `${groupPrefix}${group}`
}

/** @throws TypeError when the body is no admission document, or says no policy */
export function readAdmission(signed: JsonObject): AdmissionMetadata {
  const values = readDelegatedValues(signed)
  const policy = values.get(policyPath)
  // A document that leaves the policy out would open the door by silence.
  if (policy === undefined) throw new TypeError(`there is no ${policyPath}`)
  const revoked = values.get(revokedPath)
  return {
    policy: parseValue(policyValue, policyPath, policy).policy,
    revoked: new Set(revoked === undefined ? [] : parseValue(revokedValue, revokedPath, revoked).serials),
    groups: readGroups(values)
  }
}

function readGroups(values: ReadonlyMap<string, JsonObject>): ReadonlyMap<string, GroupConfiguration> {
  const groups = new Map<string, GroupConfiguration>()
  for (const [path, value] of values) {
    if (path === policyPath || path === revokedPath) continue
    if (!path.startsWith(groupPrefix)) throw new TypeError(`target ${path} is not one of an admission document`)
    const configuration = parseValue(groupConfigurationSchema, path, value)
    if (groupPath(configuration.group) !== path)
      throw new TypeError(`target ${path} is of group ${configuration.group}`)
    groups.set(configuration.group, configuration)
  }
  return groups
}

/** One set has one form, and nobody stands in it twice. */
function isAscending(list: readonly string[]): boolean {
  return list.every((each, i) => i === 0 || (list[i - 1] as string) < each)
}
