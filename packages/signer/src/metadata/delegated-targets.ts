import { z } from 'zod'
import { canonicalBytes, field, hashOf, type JsonObject } from './canonical.js'
import { readTargetEntry, readTargetTable } from './target-entry.js'

/**
 * The values of a halt or admission document, by path. Each target is a file like any other (hash and length), and its content stands
 * beside it as `custom`, so that one signed document says it all.
 *
 * @throws TypeError when the body is malformed
 */
export function readDelegatedValues(signed: JsonObject): ReadonlyMap<string, JsonObject> {
  if (field(signed, 'delegations') !== undefined) throw new TypeError('a delegated role does not delegate')
  return new Map(readTargetTable(signed).map(([path, entry]) => [path, readValue(path, entry)]))
}

function readValue(path: string, entry: JsonObject): JsonObject {
  const { hash, byteLength } = readTargetEntry(path, entry)
  const value = field(entry, 'custom')
  if (Object.keys(entry).length !== 3 || value === undefined) throw new TypeError(`target ${path} has no value`)
  const bytes = canonicalBytes(value)
  if (bytes.byteLength !== byteLength || hashOf(bytes) !== hash) {
    throw new TypeError(`target ${path} has another hash or length than its value`)
  }
  return value as JsonObject
}

/** @throws TypeError that names the path, not what stands there */
export function parseValue<T>(schema: z.ZodType<T>, path: string, value: JsonObject): T {
  const parsed = schema.safeParse(value)
  if (parsed.success) return parsed.data
  throw new TypeError(`target ${path}: ${z.prettifyError(parsed.error).replace(/\n/g, ' ').slice(0, 200)}`)
}

export const digest = z.string().regex(/^[0-9a-f]{64}$/)
