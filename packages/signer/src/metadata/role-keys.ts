import type { Json } from '@instar/core'
import { readKeyJson, type PublicKey } from '../keys/public-key.js'
import { field, isArray, isObject, positiveInteger, type JsonObject } from './canonical.js'
import { signaturesMax, type MetadataRole } from './document.js'

/** Who may sign for a role. */
export interface RoleKeys {
  readonly keyIds: readonly string[]
  readonly threshold: number
}

/** What gives roles their keys: the root, or top-level targets (§5). */
export interface Delegator {
  /** Only keys of algorithms that are known here; a role may name others, which then verify nothing. */
  readonly keys: ReadonlyMap<string, PublicKey>
  readonly roles: Readonly<Partial<Record<MetadataRole, RoleKeys>>>
}

/** The keys of a delegator: those that are known here, and the ids of all. */
export interface KeyTable {
  readonly keys: ReadonlyMap<string, PublicKey>
  readonly ids: ReadonlySet<string>
}

const keysMax = 64

/** Linear. @throws TypeError when the table is malformed */
export function readKeyTable(listed: JsonObject): KeyTable {
  const entries = Object.entries(listed)
  if (entries.length > keysMax) throw new TypeError(`${entries.length} keys, at most ${keysMax} are read`)
  const keys = new Map<string, PublicKey>()
  for (const [keyId, json] of entries) {
    const key = readKeyJson(keyId, json)
    if (key !== undefined) keys.set(keyId, key)
  }
  return { keys, ids: new Set(entries.map(([keyId]) => keyId)) }
}

/** @throws TypeError when the role could not be held, or names a key that the table lacks */
export function readRoleKeys(role: MetadataRole, json: Json | undefined, { ids }: KeyTable): RoleKeys {
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
