import { InstarError, chainId } from '@instar/core'
import { z } from 'zod'
import { field, isArray, isObject, type JsonObject } from '../../metadata/canonical.js'
import { delegatedRoles, type DelegatedRole } from '../../metadata/document.js'
import type { TargetEntry } from '../../metadata/target-entry.js'
import { delegatedPath } from '../../metadata/targets.js'
import type { TrustState } from '../../trust/state.js'
import { targetsBody } from '../bodies.js'
import { mustFollow, notProposed, type BodyRules, type Frame } from '../register.js'
import { changeRole, keysInUse, rawRole, roleChangesSchema, type RawKeys, type RoleChange } from './role-change.js'
import { knownTargets } from './upgrade.js'

/** Who may halt and admit from now on. Without a change, the same for longer. */
export interface TargetsChange {
  readonly roles: Readonly<Partial<Record<DelegatedRole, RoleChange>>>
  /**
   * Only where a rotation dropped the targets: the descriptors of version 1, 2, … that count again, by hash. People have to say which,
   * because whoever stole the keys may have added some.
   */
  readonly again?: readonly string[]
}

const versionsMax = 2500

const changeSchema = z
  .strictObject({
    roles: roleChangesSchema(delegatedRoles),
    again: z
      .array(z.string().regex(/^[0-9a-f]{64}$/))
      .min(1)
      .max(versionsMax)
      .optional()
  })
  .transform(({ roles, again }): TargetsChange => (again === undefined ? { roles } : { roles, again }))

export const targetsKind: BodyRules<TargetsChange> = {
  role: 'targets',
  next: nextTargets,
  parse: value => changeSchema.parse(value)
}

function nextTargets(trusted: TrustState, change: TargetsChange, { base, version, expires }: Frame): JsonObject {
  const { again } = change
  if (base === undefined) {
    if (again === undefined) throw mustFollow('targets')
    const first = targetsBody(version, entriesAgain(trusted, again), expires)
    return { ...first, ...delegationsOf(first, change) }
  }
  if (again !== undefined) throw notProposed('the targets are trusted, so that nothing has to be said again')
  const targets = knownTargets(trusted, base.signed)
  return { ...base.signed, version, expires, targets, ...delegationsOf(base.signed, change) }
}

function delegationsOf(signed: JsonObject, { roles: changes }: TargetsChange): JsonObject {
  if (Object.keys(changes).length === 0) return {}
  const roles = delegatedRoles.flatMap(role => {
    const before = delegationOf(signed, role)
    const change = changes[role]
    if (change === undefined) return before === undefined ? [] : [[role, before] as const]
    return [[role, changeRole(role, before ?? { keys: {}, keyIds: [], threshold: 1 }, change)] as const]
  })
  const keys = Object.assign({}, ...roles.map(([, each]) => each.keys)) as JsonObject
  const listed = roles.map(([name, { keyIds, threshold }]) => ({
    name,
    keyids: keyIds,
    threshold,
    terminating: true,
    paths: [delegatedPath(name)]
  }))
  const used = keysInUse(
    keys,
    roles.map(([, each]) => each)
  )
  return { delegations: { keys: used, roles: listed } }
}

/** Who holds a delegated role by these targets; undefined: nobody. */
export function delegationOf(signed: JsonObject, role: DelegatedRole): RawKeys | undefined {
  const delegations = field(signed, 'delegations')
  if (!isObject(delegations)) return undefined
  const listed = field(delegations, 'roles')
  const found =
    listed !== undefined && isArray(listed)
      ? listed.find(each => isObject(each) && field(each, 'name') === role)
      : undefined
  return found === undefined ? undefined : rawRole(field(delegations, 'keys'), found)
}

/** @throws InstarError BadInput unless all of them are here and follow each other from the network's beginning */
function entriesAgain(trusted: TrustState, again: readonly string[]): readonly (readonly [number, TargetEntry])[] {
  let previous = trusted.network
  return again.map((hash, i) => {
    const version = i + 1
    const held = trusted.descriptors.get(hash)
    if (held === undefined) {
      throw new InstarError(
        'NotTrusted',
        `The descriptor ${hash.slice(0, 16)} of version ${version} has not arrived here: let this peer catch up with the network first.`
      )
    }
    if (held.version !== version || held.previous !== previous)
      throw notProposed(`the descriptor ${hash.slice(0, 16)} does not follow as version ${version}`)
    previous = chainId(previous, version, hash)
    return [version, { hash, byteLength: held.bytes.byteLength }] as const
  })
}
