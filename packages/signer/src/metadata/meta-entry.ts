import type { Json } from '@instar/core'
import { digestText, field, isObject, positiveInteger } from './canonical.js'
import type { Document, Held } from './document.js'

/**
 * What a snapshot says of targets, and a timestamp of a snapshot. Ours name the number only: a copy may carry any subset of the
 * valid signatures, so its bytes have no one hash. Others' hash and length are kept to.
 */
export interface MetaEntry {
  readonly version: number
  readonly byteLength: number | undefined
  readonly hash: string | undefined
}

/** @throws TypeError when there is no such entry, or it is malformed */
export function readMetaEntry(meta: Json | undefined, file: string): MetaEntry {
  const entry = isObject(meta) ? field(meta, file) : undefined
  if (!isObject(entry)) throw new TypeError(`nothing is said of ${file}`)
  const version = positiveInteger(field(entry, 'version'))
  if (version === undefined) throw new TypeError(`${file} has no version`)
  const byteLength = optional(field(entry, 'length'), positiveInteger, `the length of ${file}`)
  const hashes = field(entry, 'hashes')
  if (hashes === undefined) return { version, byteLength, hash: undefined }
  if (!isObject(hashes) || Object.keys(hashes).length !== 1) throw new TypeError(`${file} has not exactly one sha-256`)
  return { version, byteLength, hash: optional(field(hashes, 'sha256') ?? null, digestText, `the sha-256 of ${file}`) }
}

function optional<T>(
  value: Json | undefined,
  read: (value: Json | undefined) => T | undefined,
  what: string
): T | undefined {
  if (value === undefined) return undefined
  const found = read(value)
  if (found === undefined) throw new TypeError(`${what} is malformed`)
  return found
}

/** Whether this very document is meant. */
export function names(entry: MetaEntry, held: Held<unknown>): boolean {
  return (
    entry.version === held.version &&
    (entry.byteLength === undefined || entry.byteLength === held.bytes.byteLength) &&
    (entry.hash === undefined || entry.hash === held.hash)
  )
}

/** Compares by number, then later expiry, then hash, so that of two documents with one number every peer prefers the same. */
export function compareDocuments(a: Document, b: Document): number {
  return a.version - b.version || a.expiresMs - b.expiresMs || compareHashes(a.bodyHash, b.bodyHash)
}

/** The lower hash wins: positive when `a` has it. */
export function compareHashes(a: string, b: string): number {
  return a < b ? 1 : a > b ? -1 : 0
}
