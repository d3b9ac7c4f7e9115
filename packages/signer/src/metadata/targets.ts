import { descriptorBytesMax, type Json } from '@instar/core'
import { field, isArray, isObject, type JsonObject } from './canonical.js'
import { delegatedRoles, type DelegatedRole } from './document.js'
import { readKeyTable, readRoleKeys, type Delegator, type RoleKeys } from './role-keys.js'
import { readPathVersion, readTargetEntry, readTargetTable, type TargetEntry } from './target-entry.js'

export interface TargetsMetadata {
  /** `upgrades/<n>` by n. */
  readonly upgrades: ReadonlyMap<number, TargetEntry>
  /** Who may halt and who may admit; a role that is absent is nobody's. */
  readonly delegations: Delegator
}

const prefix = 'upgrades/'

export function upgradePath(version: number): string {
  return `${prefix}${version}`
}

/** The one pattern of paths that is ever given to a delegated role. */
export function delegatedPath(role: DelegatedRole): string {
  return `${role}/*`
}

/** @throws TypeError when the body is no targets metadata */
export function readTargets(signed: JsonObject): TargetsMetadata {
  const upgrades = new Map<number, TargetEntry>()
  for (const [path, entry] of readTargetTable(signed)) {
    const read = readTargetEntry(path, entry)
    if (path.startsWith(prefix)) upgrades.set(readUpgradeVersion(path, entry, read), read)
  }
  return { upgrades, delegations: readDelegations(field(signed, 'delegations')) }
}

function readUpgradeVersion(path: string, entry: JsonObject, { byteLength }: TargetEntry): number {
  const version = readPathVersion(path, prefix)
  if (byteLength > descriptorBytesMax) throw new TypeError(`target ${path} is longer than ${descriptorBytesMax} bytes`)
  if (Object.keys(entry).length !== 2) throw new TypeError(`target ${path} says more than hash and length`)
  return version
}

const nobody: Delegator = Object.freeze({ keys: new Map(), roles: {} })

/**
 * Only the two roles that are known, with their fixed patterns: a delegation of anything else could give a stranger's tool a path that
 * ours never looks at (§5).
 */
function readDelegations(json: Json | undefined): Delegator {
  if (json === undefined) return nobody
  const listed = isObject(json) ? field(json, 'keys') : undefined
  const named = isObject(json) ? field(json, 'roles') : undefined
  if (!isObject(listed) || named === undefined || !isArray(named) || Object.keys(json as JsonObject).length !== 2) {
    throw new TypeError('its delegations are malformed')
  }
  const table = readKeyTable(listed)
  const roles: Partial<Record<DelegatedRole, RoleKeys>> = {}
  for (const each of named) {
    const role = isObject(each) ? delegatedRoles.find(name => name === field(each, 'name')) : undefined
    if (role === undefined || roles[role] !== undefined) throw new TypeError('it delegates to a role that is not known')
    assertFixed(role, each as JsonObject)
    roles[role] = readRoleKeys(role, each, table)
  }
  return { keys: table.keys, roles }
}

function assertFixed(role: DelegatedRole, json: JsonObject): void {
  const paths = field(json, 'paths')
  const fixed =
    Object.keys(json).length === 5 &&
    field(json, 'terminating') === true &&
    paths !== undefined &&
    isArray(paths) &&
    paths.length === 1 &&
    paths[0] === delegatedPath(role)
  if (!fixed)
    throw new TypeError(`the role ${role} is delegated otherwise than for ${delegatedPath(role)}, terminating`)
}
