import { TargetFile, Targets } from '@tufjs/models'
import { digestText, field, isObject, positiveInteger, type JsonObject } from './canonical.js'
import { assertSame } from './model.js'

/** What a target says of its file. */
export interface TargetEntry {
  readonly hash: string
  readonly byteLength: number
}

type ModelJson = Parameters<typeof Targets.fromJSON>[0]

/**
 * The table of a `targets` body, its frame checked by the model. The model copies the whole table for each entry (quadratic), so it
 * reads the frame here and each entry on its own.
 *
 * @throws TypeError when there is none
 */
export function readTargetTable(signed: JsonObject): readonly (readonly [path: string, entry: JsonObject])[] {
  const targets = field(signed, 'targets')
  if (!isObject(targets)) throw new TypeError('no targets')
  const frame = { ...signed, targets: {} } as ModelJson
  assertSame(Targets.fromJSON(frame).toJSON(), frame)
  return Object.entries(targets).map(([path, entry]) => {
    if (!isObject(entry)) throw new TypeError(`target ${path} is not an object`)
    return [path, entry] as const
  })
}

/** @throws TypeError when it is malformed */
export function readTargetEntry(path: string, entry: JsonObject): TargetEntry {
  assertSame(TargetFile.fromJSON(path, entry as ModelJson).toJSON(), entry)
  const hashes = field(entry, 'hashes')
  const hash = isObject(hashes) && Object.keys(hashes).length === 1 ? digestText(field(hashes, 'sha256')) : undefined
  // A second digest would let two readers that support different ones see two targets in one entry.
  if (hash === undefined) throw new TypeError(`target ${path} has not exactly one sha-256`)
  const byteLength = positiveInteger(field(entry, 'length'))
  if (byteLength === undefined) throw new TypeError(`target ${path} has no length`)
  return { hash, byteLength }
}

/** The number in a path of this prefix. @throws TypeError when the path is not the one form of such a number */
export function readPathVersion(path: string, prefix: string): number {
  const version = Number(path.slice(prefix.length))
  if (!Number.isSafeInteger(version) || version < 1 || version > versionMax || `${prefix}${version}` !== path) {
    throw new TypeError(`target ${path} does not name a version`)
  }
  return version
}

const versionMax = 1_000_000
