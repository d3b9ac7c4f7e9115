import type { Json } from '@instar/core'
import { z } from 'zod'
import { createPublicKeyOf, schemes, toKeyJson, type PublicKey } from '../../keys/public-key.js'
import { field, isObject, type JsonObject } from '../../metadata/canonical.js'
import { notProposed } from '../register.js'

/** Who comes and who goes among the keys of one role. */
export interface RoleChange {
  readonly add: readonly PublicKey[]
  /** Key ids. */
  readonly remove: readonly string[]
  /** How many must sign from now on; as before where absent. */
  readonly threshold?: number
}

/** Keys and roles as a root, or the delegations of targets, have them. */
export interface RawKeys {
  readonly keys: JsonObject
  readonly keyIds: readonly string[]
  readonly threshold: number
}

/** The role after a change. @throws InstarError BadInput when nobody, or two disjoint halves of the authors, could sign */
export function changeRole(role: string, before: RawKeys, { add, remove, threshold }: RoleChange): RawKeys {
  const stranger = remove.find(keyId => !before.keyIds.includes(keyId))
  if (stranger !== undefined) throw notProposed(`${role} has no key ${stranger.slice(0, 16)} that could be removed`)
  const known = add.find(({ keyId }) => before.keyIds.includes(keyId))
  if (known !== undefined) throw notProposed(`key ${known.keyId.slice(0, 16)} is a key of ${role} already`)
  const keyIds = [...before.keyIds.filter(each => !remove.includes(each)), ...add.map(each => each.keyId)]
  if (new Set(keyIds).size !== keyIds.length) throw notProposed(`a key is added to ${role} twice`)
  const keys = { ...before.keys, ...Object.fromEntries(add.map(key => [key.keyId, toKeyJson(key)])) }
  const changed = { keys, keyIds, threshold: threshold ?? before.threshold }
  assertThreshold(role, changed)
  return changed
}

/** @throws InstarError BadInput */
function assertThreshold(role: string, { keyIds, threshold }: Pick<RawKeys, 'keyIds' | 'threshold'>): void {
  // §5: two disjoint halves of the authors could otherwise sign two descriptors for one version.
  const lowest = role === 'targets' ? Math.floor(keyIds.length / 2) + 1 : 1
  // Each online signer signs alone, at any time of the day.
  const highest = role === 'snapshot' || role === 'timestamp' ? Math.min(1, keyIds.length) : keyIds.length
  if (Number.isSafeInteger(threshold) && threshold >= lowest && threshold <= highest) return
  throw notProposed(
    keyIds.length === 0
      ? `${role} would have no key left`
      : `a threshold of ${threshold} does not fit the ${keyIds.length} keys that ${role} would have; say one of ${lowest} to ${highest} with --threshold ${role}=<n>`
  )
}

/** One role out of raw metadata, which its own reader has checked. */
export function rawRole(keys: Json | undefined, role: Json | undefined): RawKeys {
  const json = isObject(role) ? role : {}
  const keyIds = field(json, 'keyids')
  const threshold = field(json, 'threshold')
  return {
    keys: isObject(keys) ? keys : {},
    keyIds: Array.isArray(keyIds) ? (keyIds as readonly string[]) : [],
    threshold: typeof threshold === 'number' ? threshold : 1
  }
}

/** Only the keys that some role still names: a key that has gone is gone. */
export function keysInUse(keys: JsonObject, roles: Iterable<Pick<RawKeys, 'keyIds'>>): JsonObject {
  const used = new Set([...roles].flatMap(each => each.keyIds))
  return Object.fromEntries(Object.entries(keys).filter(([keyId]) => used.has(keyId)))
}

const keyId = z.string().regex(/^[0-9a-f]{64}$/)
const keysMax = 16

const publicKeySchema = z
  .strictObject({ keyId, scheme: z.enum(schemes), public: z.string().max(1000) })
  .transform(written => {
    const key = createPublicKeyOf(written.scheme, written.public)
    // The words of a proposal show the id, so it must be the id of this key.
    if (key.keyId !== written.keyId) throw new TypeError('a key id is not that of its key')
    return key
  })

const changeSchema = z
  .strictObject({
    add: z.array(publicKeySchema).max(keysMax),
    remove: z.array(keyId).max(keysMax),
    threshold: z.int().min(1).max(keysMax).optional()
  })
  .transform(({ threshold, ...rest }): RoleChange => (threshold === undefined ? rest : { ...rest, threshold }))

/** Changes of some of these roles. */
export function roleChangesSchema<Role extends string>(roles: readonly Role[]) {
  return z.partialRecord(z.enum(roles), changeSchema)
}
