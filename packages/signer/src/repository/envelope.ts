import { accept, parseBoundedJson, reject, type Json, type Verdict } from '@instar/core'
import {
  canonicalBytes,
  field,
  flawOfValues,
  isArray,
  isObject,
  positiveInteger,
  type JsonObject
} from '../metadata/canonical.js'
import { parseExpires } from '../metadata/document.js'
import { jsonLimitsOf, signaturesMax, type TopLevelRole } from './limits.js'

/** A document of a repository whose shape was checked and whose signatures were not. */
export interface RepositoryDocument {
  readonly version: number
  readonly expiresMs: number
  readonly signed: JsonObject
  /** Key id to signature, each id once. */
  readonly signatures: ReadonlyMap<string, string>
  /** What the signatures are over. */
  readonly body: Uint8Array
  /** As it came: what hashes in other documents are over, and what is stored. */
  readonly bytes: Uint8Array
}

/**
 * Takes a document of a repository apart without believing it: size, depth and count, then `JSON.parse`, then the members that TUF
 * prescribes; others are kept, because they are signed too. Linear, never throws (R19).
 */
export function readRepositoryDocument(bytes: Uint8Array, role: TopLevelRole): Verdict<RepositoryDocument> {
  const json = parseBoundedJson(bytes, jsonLimitsOf(role))
  if (json.verdict !== 'accept') return json
  const signed = isObject(json.value) ? field(json.value, 'signed') : undefined
  if (!isObject(json.value) || !isObject(signed)) return malformed('no `signed` object')
  if (field(signed, '_type') !== role) return reject('WrongType', `it is not ${role} metadata`)
  const spec = field(signed, 'spec_version')
  if (typeof spec !== 'string' || !/^1(\.\d{1,4}){0,2}$/.test(spec)) {
    return malformed('not of version 1 of the TUF specification')
  }
  const version = positiveInteger(field(signed, 'version'))
  if (version === undefined) return malformed('its version is not a positive integer')
  const expiresMs = parseExpires(field(signed, 'expires'))
  if (expiresMs === undefined) return malformed('its expiry is not a time of the form 2030-01-31T00:00:00Z')
  const signatures = readSignatures(field(json.value, 'signatures'))
  if (signatures.verdict !== 'accept') return signatures
  const flaw = flawOfValues(signed, 'allowed')
  if (flaw !== undefined) return reject('NotCanonical', flaw)
  return accept({ version, expiresMs, signed, signatures: signatures.value, body: canonicalBytes(signed), bytes })
}

function readSignatures(list: Json | undefined): Verdict<ReadonlyMap<string, string>> {
  if (list === undefined || !isArray(list)) return malformed('no list of signatures')
  if (list.length > signaturesMax) {
    return reject('TooManySignatures', `${list.length} signatures, at most ${signaturesMax} are read`)
  }
  const signatures = new Map<string, string>()
  for (const each of list) {
    const keyId = isObject(each) ? field(each, 'keyid') : undefined
    const sig = isObject(each) ? field(each, 'sig') : undefined
    if (typeof keyId !== 'string' || typeof sig !== 'string') return malformed('a signature is malformed')
    if (signatures.has(keyId)) return reject('DuplicateSignature', `two signatures by key ${keyId.slice(0, 8)}`)
    signatures.set(keyId, sig)
  }
  return accept(signatures)
}

function malformed(detail: string): Verdict<never> {
  return reject('NotATrustDocument', detail)
}
