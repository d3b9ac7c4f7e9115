import { accept, reject, type Json, type Verdict } from '@instar/core'
import { field, isArray, isObject, positiveInteger, type JsonObject } from '../metadata/canonical.js'
import type { RepositoryDocument } from './envelope.js'
import { readRepositoryKey, type RepositoryKey } from './key.js'
import { keysMax } from './limits.js'

/** Who may sign for a role, as root or targets metadata say it. */
export interface RoleKeys {
  readonly keyIds: readonly string[]
  readonly threshold: number
}

/** Keys by the ids under which their delegator names them; those of unknown kinds are left out. */
export type RepositoryKeys = ReadonlyMap<string, RepositoryKey>

/** @throws TypeError when it is no table of keys */
export function readKeys(table: Json | undefined): RepositoryKeys {
  if (!isObject(table)) throw new TypeError('no keys')
  const entries = Object.entries(table)
  if (entries.length > keysMax) throw new TypeError(`${entries.length} keys, at most ${keysMax} are read`)
  const keys = new Map<string, RepositoryKey>()
  for (const [keyId, json] of entries) {
    const key = readRepositoryKey(json)
    if (key !== undefined) keys.set(keyId, key)
  }
  return keys
}

/** @throws TypeError when it is no role. A threshold that its keys cannot meet is one: nothing verifies under it. */
export function readRoleKeys(name: string, role: JsonObject): RoleKeys {
  const list = field(role, 'keyids')
  if (list === undefined || !isArray(list) || list.length > keysMax)
    throw new TypeError(`role ${name} has no list of keys`)
  const keyIds = list.map(each => {
    if (typeof each !== 'string') throw new TypeError(`a key id of role ${name} is not a text`)
    return each
  })
  if (new Set(keyIds).size !== keyIds.length) throw new TypeError(`role ${name} names a key twice`)
  const threshold = positiveInteger(field(role, 'threshold'))
  if (threshold === undefined) throw new TypeError(`the threshold of role ${name} is not a positive integer`)
  return { keyIds, threshold }
}

/**
 * Whether enough distinct keys of the role signed. A signature that does not verify counts for nothing and spoils nothing: a repository
 * has one writer, so nobody is to blame for it, unlike in gossip.
 */
export function meetsThreshold(
  document: RepositoryDocument,
  { keyIds, threshold }: RoleKeys,
  keys: RepositoryKeys
): Verdict<true> {
  const verified = new Set<string>()
  for (const keyId of keyIds) {
    const key = keys.get(keyId)
    const sig = document.signatures.get(keyId)
    if (key === undefined || sig === undefined || verified.has(key.identity)) continue
    if (key.verifies(document.body, sig)) verified.add(key.identity)
    if (verified.size >= threshold) return accept(true)
  }
  return reject('ThresholdNotMet', `signed by ${verified.size} of the ${threshold} keys that it needs`)
}
