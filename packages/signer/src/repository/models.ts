import type { Json } from '@instar/core'
import { field, isArray, isObject, type JsonObject } from '../metadata/canonical.js'
import { readKeys, readRoleKeys, type RepositoryKeys, type RoleKeys } from './delegation.js'
import { roleNameCharactersMax, topLevelRoles, type TopLevelRole } from './limits.js'
import { readFileFacts, readMetaFile, type FileFacts, type MetaFile } from './meta-file.js'

export interface RootModel {
  readonly keys: RepositoryKeys
  readonly roles: Readonly<Record<TopLevelRole, RoleKeys>>
  /** Whether files carry their version or hash in their name. */
  readonly consistentSnapshot: boolean
}

/** @throws TypeError when the body is no root metadata */
export function readRootModel(signed: JsonObject): RootModel {
  const named = field(signed, 'roles')
  if (!isObject(named)) throw new TypeError('no roles')
  const roles = topLevelRoles.map(role => {
    const json = field(named, role)
    if (!isObject(json)) throw new TypeError(`the role ${role} is missing`)
    return [role, readRoleKeys(role, json)] as const
  })
  return {
    keys: readKeys(field(signed, 'keys')),
    roles: Object.fromEntries(roles) as Record<TopLevelRole, RoleKeys>,
    consistentSnapshot: field(signed, 'consistent_snapshot') === true
  }
}

export interface TimestampModel {
  readonly snapshot: MetaFile
}

/** @throws TypeError when the body is no timestamp metadata */
export function readTimestampModel(signed: JsonObject): TimestampModel {
  const meta = field(signed, 'meta')
  return { snapshot: readMetaFile('snapshot.json', isObject(meta) ? field(meta, 'snapshot.json') : undefined) }
}

export interface SnapshotModel {
  /** By file name: `targets.json`, `role.json`. */
  readonly meta: ReadonlyMap<string, MetaFile>
}

/** @throws TypeError when the body is no snapshot metadata */
export function readSnapshotModel(signed: JsonObject): SnapshotModel {
  const meta = field(signed, 'meta')
  if (!isObject(meta)) throw new TypeError('no meta')
  return { meta: new Map(Object.entries(meta).map(([name, json]) => [name, readMetaFile(name, json)])) }
}

export interface TargetsModel {
  /** By target path. */
  readonly targets: ReadonlyMap<string, TargetFacts>
  /** In the order in which they are searched. */
  readonly delegations: readonly Delegation[]
  readonly keys: RepositoryKeys
}

export interface TargetFacts extends FileFacts {
  readonly byteLength: number
}

export interface Delegation extends RoleKeys {
  readonly name: string
  /** Nothing after this role is searched for a path that it is trusted with. */
  readonly terminating: boolean
  readonly paths: readonly string[] | undefined
  /** Beginnings of the sha-256 of a target path, in hexadecimal. */
  readonly pathHashPrefixes: readonly string[] | undefined
}

/** @throws TypeError when the body is no targets metadata */
export function readTargetsModel(signed: JsonObject): TargetsModel {
  const table = field(signed, 'targets')
  if (!isObject(table)) throw new TypeError('no targets')
  const targets = new Map(Object.entries(table).map(([path, json]) => [path, readTarget(path, json)]))
  const delegations = field(signed, 'delegations')
  if (delegations === undefined) return { targets, delegations: [], keys: new Map() }
  if (!isObject(delegations)) throw new TypeError('the delegations are not an object')
  const roles = field(delegations, 'roles')
  if (roles === undefined || !isArray(roles)) throw new TypeError('the delegations have no list of roles')
  const read = roles.map(readDelegation)
  if (new Set(read.map(each => each.name)).size !== read.length) throw new TypeError('a role is delegated to twice')
  return { targets, delegations: read, keys: readKeys(field(delegations, 'keys')) }
}

function readTarget(path: string, json: Json): TargetFacts {
  if (!isObject(json)) throw new TypeError(`target ${path} is not an object`)
  const { byteLength, hashes } = readFileFacts(path, json)
  if (byteLength === undefined || hashes === undefined) throw new TypeError(`target ${path} has no length or no hashes`)
  return { byteLength, hashes }
}

function readDelegation(json: Json): Delegation {
  const name = isObject(json) ? field(json, 'name') : undefined
  if (!isObject(json) || typeof name !== 'string' || name === '') throw new TypeError('a delegated role has no name')
  // Its metadata would be stored over the metadata of that role, on some file systems whatever the case.
  if (topLevelRoles.some(role => role === name.toLowerCase()))
    throw new TypeError(`a delegated role has the name ${name}`)
  if (encodeURIComponent(name).length > roleNameCharactersMax)
    throw new TypeError('the name of a delegated role is too long')
  const terminating = field(json, 'terminating')
  if (typeof terminating !== 'boolean') throw new TypeError(`role ${name} does not say whether it is terminating`)
  const paths = readTexts(name, field(json, 'paths'))
  const pathHashPrefixes = readTexts(name, field(json, 'path_hash_prefixes'))
  if ((paths === undefined) === (pathHashPrefixes === undefined)) {
    throw new TypeError(`role ${name} has not exactly one of paths and path_hash_prefixes`)
  }
  return { name, terminating, paths, pathHashPrefixes, ...readRoleKeys(name, json) }
}

function readTexts(role: string, list: Json | undefined): readonly string[] | undefined {
  if (list === undefined) return undefined
  if (!isArray(list)) throw new TypeError(`the paths of role ${role} are not a list`)
  return list.map(each => {
    if (typeof each !== 'string') throw new TypeError(`a path of role ${role} is not a text`)
    return each
  })
}
