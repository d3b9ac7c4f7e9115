import { createHash } from 'node:crypto'
import { accept, reject, type Json, type Verdict } from '@instar/core'
import { field, isObject, positiveInteger, type JsonObject } from '../metadata/canonical.js'

/** Length and hashes of a file, as far as they are said. */
export interface FileFacts {
  readonly byteLength: number | undefined
  /** By algorithm; only those that are known here, of which there is at least one when any is said. */
  readonly hashes: ReadonlyMap<HashAlgorithm, string> | undefined
}

/** What a timestamp says of the snapshot, and a snapshot of each targets role. */
export interface MetaFile extends FileFacts {
  readonly version: number
}

const hashForms = { sha256: /^[0-9a-f]{64}$/, sha512: /^[0-9a-f]{128}$/ } as const
type HashAlgorithm = keyof typeof hashForms

/** @throws TypeError when it is malformed */
export function readMetaFile(name: string, json: Json | undefined): MetaFile {
  if (!isObject(json)) throw new TypeError(`nothing is said of ${name}`)
  const version = positiveInteger(field(json, 'version'))
  if (version === undefined) throw new TypeError(`${name} has no version`)
  return { version, ...readFileFacts(name, json) }
}

/** @throws TypeError when it is malformed */
export function readFileFacts(name: string, json: JsonObject): FileFacts {
  const said = field(json, 'length')
  if (said !== undefined && !(typeof said === 'number' && Number.isSafeInteger(said) && said >= 0)) {
    throw new TypeError(`the length of ${name} is not a number of bytes`)
  }
  const table = field(json, 'hashes')
  return { byteLength: said, hashes: table === undefined ? undefined : readHashes(name, table) }
}

function readHashes(name: string, table: Json): ReadonlyMap<HashAlgorithm, string> {
  if (!isObject(table)) throw new TypeError(`the hashes of ${name} are not a table`)
  const hashes = new Map<HashAlgorithm, string>()
  for (const [algorithm, form] of Object.entries(hashForms) as [HashAlgorithm, RegExp][]) {
    const hash = field(table, algorithm)
    if (hash === undefined) continue
    if (typeof hash !== 'string' || !form.test(hash)) throw new TypeError(`the ${algorithm} of ${name} is malformed`)
    hashes.set(algorithm, hash)
  }
  return hashes
}

/** Whether these bytes are the file that was meant: exact length, and every hash that can be computed here. */
export function matchFile({ byteLength, hashes }: FileFacts, bytes: Uint8Array): Verdict<true> {
  if (byteLength !== undefined && bytes.byteLength !== byteLength) {
    return reject('WrongLength', `it has ${bytes.byteLength} bytes instead of ${byteLength}`)
  }
  if (hashes === undefined) return accept(true)
  if (hashes.size === 0) return reject('UnknownHash', 'none of its hashes is of a known algorithm')
  for (const [algorithm, hash] of hashes) {
    if (createHash(algorithm).update(bytes).digest('hex') !== hash) {
      return reject('WrongHash', `its ${algorithm} is not ${hash.slice(0, 8)}…`)
    }
  }
  return accept(true)
}
