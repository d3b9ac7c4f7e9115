import { TargetFile, Targets } from '@tufjs/models'
import { descriptorBytesMax, type Json } from '@instar/core'
import { digestText, field, isObject, positiveInteger, type JsonObject } from './canonical.js'
import { assertSame } from './model.js'

export interface TargetEntry {
  /** sha-256 of the descriptor. */
  readonly hash: string
  readonly byteLength: number
}

export interface TargetsMetadata {
  /** `upgrades/<n>` by n. */
  readonly upgrades: ReadonlyMap<number, TargetEntry>
}

const prefix = 'upgrades/'
const versionMax = 1_000_000

export function upgradePath(version: number): string {
  return `${prefix}${version}`
}

type ModelJson = Parameters<typeof Targets.fromJSON>[0]

/** @throws TypeError when the body is no targets metadata */
export function readTargets(signed: JsonObject): TargetsMetadata {
  const targets = field(signed, 'targets')
  if (!isObject(targets)) throw new TypeError('no targets')
  // The model copies the whole table for each entry (quadratic), so it reads the frame and each entry on its own.
  const frame = { ...signed, targets: {} } as ModelJson
  assertSame(Targets.fromJSON(frame).toJSON(), frame)
  const upgrades = new Map<number, TargetEntry>()
  for (const [path, entry] of Object.entries(targets)) {
    const read = readEntry(path, entry)
    if (path.startsWith(prefix)) upgrades.set(readUpgradeVersion(path, entry, read), read)
  }
  return { upgrades }
}

function readEntry(path: string, entry: Json): TargetEntry {
  if (!isObject(entry)) throw new TypeError(`target ${path} is not an object`)
  assertSame(TargetFile.fromJSON(path, entry as ModelJson).toJSON(), entry)
  const hashes = field(entry, 'hashes')
  const hash = isObject(hashes) && Object.keys(hashes).length === 1 ? digestText(field(hashes, 'sha256')) : undefined
  // A second digest would let two readers that support different ones see two targets in one entry.
  if (hash === undefined) throw new TypeError(`target ${path} has not exactly one sha-256`)
  const byteLength = positiveInteger(field(entry, 'length'))
  if (byteLength === undefined) throw new TypeError(`target ${path} has no length`)
  return { hash, byteLength }
}

function readUpgradeVersion(path: string, entry: Json, { byteLength }: TargetEntry): number {
  const version = Number(path.slice(prefix.length))
  if (!Number.isSafeInteger(version) || version < 1 || version > versionMax || upgradePath(version) !== path) {
    throw new TypeError(`target ${path} does not name a version`)
  }
  if (byteLength > descriptorBytesMax) throw new TypeError(`target ${path} is longer than ${descriptorBytesMax} bytes`)
  if (Object.keys(entry as JsonObject).length !== 2)
    throw new TypeError(`target ${path} says more than hash and length`)
  return version
}
