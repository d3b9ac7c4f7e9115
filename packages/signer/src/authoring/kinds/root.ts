import { z } from 'zod'
import { field, isArray, isObject, type JsonObject } from '../../metadata/canonical.js'
import { topLevelRoles, type TopLevelRole } from '../../metadata/document.js'
import type { TrustState } from '../../trust/state.js'
import { mustFollow, notProposed, type BodyRules, type Frame } from '../register.js'
import { changeRole, keysInUse, rawRole, roleChangesSchema, type RawKeys, type RoleChange } from './role-change.js'

/** Which descriptor counts at a version (§6): the one with this sha-256, or none, and then the network ends before it. */
export interface Decision {
  readonly version: number
  readonly keep: string
}

/** The next root: whose keys count from now on, and what is decided. Without either, the same for longer. */
export interface RootChange {
  readonly roles: Readonly<Partial<Record<TopLevelRole, RoleChange>>>
  readonly decisions: readonly Decision[]
}

const versionsMax = 1_000_000

const changeSchema = z.strictObject({
  roles: roleChangesSchema(topLevelRoles),
  decisions: z
    .array(
      z.strictObject({
        version: z.int().min(1).max(versionsMax),
        keep: z.union([z.literal('none'), z.string().regex(/^[0-9a-f]{64}$/)])
      })
    )
    .max(64)
})

export const rootKind: BodyRules<RootChange> = {
  role: 'root',
  next: nextRoot,
  parse: value => changeSchema.parse(value)
}

function nextRoot(_trusted: TrustState, change: RootChange, { base, version, expires }: Frame): JsonObject {
  if (base === undefined) throw mustFollow('root')
  const roles = new Map(topLevelRoles.map(role => [role, changed(base.signed, role, change.roles[role])]))
  const keys = Object.assign({}, ...[...roles.values()].map(each => each.keys)) as JsonObject
  const listed = [...roles].map(([role, { keyIds, threshold }]) => [role, { keyids: keyIds, threshold }] as const)
  return {
    ...base.signed,
    version,
    expires,
    keys: keysInUse(keys, roles.values()),
    roles: Object.fromEntries(listed),
    ...withDecisions(base.signed, change.decisions)
  }
}

function changed(signed: JsonObject, role: TopLevelRole, change: RoleChange | undefined): RawKeys {
  const before = rootRoleOf(signed, role)
  return change === undefined ? before : changeRole(role, before, change)
}

/** Who holds a role by this root. */
export function rootRoleOf(signed: JsonObject, role: TopLevelRole): RawKeys {
  const roles = field(signed, 'roles')
  return rawRole(field(signed, 'keys'), isObject(roles) ? field(roles, role) : undefined)
}

/** A root repeats what earlier ones decided: the newest root's list counts. */
function withDecisions(signed: JsonObject, added: readonly Decision[]): JsonObject {
  if (added.length === 0) return {}
  if (new Set(added.map(each => each.version)).size !== added.length) throw notProposed('it decides a version twice')
  const ours = field(signed, 'instar')
  const listed = isObject(ours) ? field(ours, 'decisions') : undefined
  const before = listed !== undefined && isArray(listed) ? (listed as unknown as readonly Decision[]) : []
  const kept = before.filter(each => !added.some(({ version }) => version === each.version))
  const decisions = [...kept, ...added].sort((a, b) => a.version - b.version)
  return {
    instar: {
      ...(isObject(ours) ? ours : {}),
      decisions: decisions.map(({ version, keep }) => ({ version, keep }))
    }
  }
}
