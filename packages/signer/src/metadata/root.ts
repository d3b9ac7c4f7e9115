import { Root } from '@tufjs/models'
import type { Json } from '@instar/core'
import { digestText, field, isArray, isObject, positiveInteger, type JsonObject } from './canonical.js'
import { topLevelRoles, type TopLevelRole } from './document.js'
import { assertSame } from './model.js'
import { readKeyTable, readRoleKeys, type Delegator, type RoleKeys } from './role-keys.js'

export interface RootMetadata extends Delegator {
  readonly roles: Readonly<Record<TopLevelRole, RoleKeys>>
  /** The sha-256 of the descriptor that counts at a version, or that none does (§6). */
  readonly decisions: ReadonlyMap<number, Decision>
}

/** The root's word on a version: the hash of the descriptor to keep, or none. */
export type Decision = string

/** Of a {@link Decision}: no descriptor that is known so far. */
export const keepNone = 'none'

/** @throws TypeError when the body is no root metadata */
export function readRoot(signed: JsonObject): RootMetadata {
  const root = readRootKeys(signed)
  assertSame(Root.fromJSON(signed as Parameters<typeof Root.fromJSON>[0]).toJSON(), signed)
  return root
}

/** The part that a root is verified with before its model is built: a new root also signs for itself. Linear. */
export function readRootKeys(signed: JsonObject): RootMetadata {
  const listed = field(signed, 'keys')
  const named = field(signed, 'roles')
  if (!isObject(listed) || !isObject(named)) throw new TypeError('no keys or no roles')
  const table = readKeyTable(listed)
  const roles = Object.fromEntries(topLevelRoles.map(role => [role, readRoleKeys(role, field(named, role), table)]))
  return {
    keys: table.keys,
    roles: roles as Record<TopLevelRole, RoleKeys>,
    decisions: readDecisions(field(signed, 'instar'))
  }
}

function readDecisions(own: Json | undefined): ReadonlyMap<number, Decision> {
  const decisions = new Map<number, Decision>()
  if (own === undefined) return decisions
  const list = isObject(own) ? (field(own, 'decisions') ?? []) : undefined
  if (list === undefined || !isArray(list)) throw new TypeError('its decisions are malformed')
  let last = 0
  for (const each of list) {
    const version =
      isObject(each) && Object.keys(each).length === 2 ? positiveInteger(field(each, 'version')) : undefined
    const keep = version === undefined ? undefined : readKeep(field(each as JsonObject, 'keep'))
    // Ascending: no version is decided twice, and one set of decisions has one form.
    if (version === undefined || keep === undefined || version <= last) throw new TypeError('a decision is malformed')
    decisions.set(version, keep)
    last = version
  }
  return decisions
}

function readKeep(value: Json | undefined): Decision | undefined {
  return value === keepNone ? keepNone : digestText(value)
}
