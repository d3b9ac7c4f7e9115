import { Root } from '@tufjs/models'
import type { Json } from '@instar/core'
import { readKeyJson, type PublicKey } from '../keys/public-key.js'
import { field, isArray, isObject, positiveInteger, type JsonObject } from './canonical.js'
import { metadataRoles, signaturesMax, type MetadataRole } from './document.js'
import { assertSame } from './model.js'

interface RoleKeys {
  readonly keyIds: readonly string[]
  readonly threshold: number
}

export interface RootMetadata {
  /** Only keys of algorithms that are known here; a role may name others, which then verify nothing. */
  readonly keys: ReadonlyMap<string, PublicKey>
  readonly roles: Readonly<Record<MetadataRole, RoleKeys>>
}

const keysMax = 64

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
  const entries = Object.entries(listed)
  if (entries.length > keysMax) throw new TypeError(`${entries.length} keys, at most ${keysMax} are read`)
  const ids = new Set(entries.map(([keyId]) => keyId))
  const keys = new Map<string, PublicKey>()
  for (const [keyId, json] of entries) {
    const key = readKeyJson(keyId, json)
    if (key !== undefined) keys.set(keyId, key)
  }
  const roles = Object.fromEntries(metadataRoles.map(role => [role, readRole(role, field(named, role), ids)]))
  return { keys, roles: roles as Record<MetadataRole, RoleKeys> }
}

function readRole(role: MetadataRole, json: Json | undefined, ids: ReadonlySet<string>): RoleKeys {
  if (!isObject(json)) throw new TypeError(`the role ${role} is missing`)
  const list = field(json, 'keyids')
  if (list === undefined || !isArray(list) || list.length > signaturesMax) {
    throw new TypeError(`the role ${role} has no list of at most ${signaturesMax} keys`)
  }
  const keyIds = list.map(each => {
    if (typeof each !== 'string' || !ids.has(each))
      throw new TypeError(`the role ${role} names a key that is not there`)
    return each
  })
  if (new Set(keyIds).size !== keyIds.length) throw new TypeError(`the role ${role} names a key twice`)
  const threshold = positiveInteger(field(json, 'threshold'))
  if (threshold === undefined || threshold > keyIds.length) {
    throw new TypeError(`the role ${role} has a threshold that its keys cannot meet`)
  }
  return { keyIds, threshold }
}
