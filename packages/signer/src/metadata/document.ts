import { accept, parseBoundedJson, reject, type Json, type Verdict } from '@instar/core'
import {
  canonicalBytes,
  field,
  flawOfValues,
  hashOf,
  isArray,
  isObject,
  positiveInteger,
  type JsonObject
} from './canonical.js'

/** The roles whose keys the root names. */
export const topLevelRoles = ['root', 'targets', 'snapshot', 'timestamp'] as const
export type TopLevelRole = (typeof topLevelRoles)[number]
/** The roles whose keys top-level targets name. */
export const delegatedRoles = ['halt', 'admission'] as const
export type DelegatedRole = (typeof delegatedRoles)[number]

/** Every role that signs documents: those of TUF, and the two that targets delegate. */
export const metadataRoles = [...topLevelRoles, ...delegatedRoles] as const
/** A role that signs documents of its own (§5). */
export type MetadataRole = TopLevelRole | DelegatedRole

export function isDelegated(role: MetadataRole): role is DelegatedRole {
  return delegatedRoles.some(each => each === role)
}

/** The largest document of each role that is read (§5). */
export const documentBytesMax: Readonly<Record<MetadataRole, number>> = {
  root: 64 * 1024,
  targets: 256 * 1024,
  snapshot: 16 * 1024,
  timestamp: 16 * 1024,
  halt: 16 * 1024,
  admission: 64 * 1024
}
export const signaturesMax = 16

/** 256 KiB hold about 2,200 upgrades of 9 separators each. */
const limits = { bytesMax: documentBytesMax.targets, depthMax: 10, itemsMax: 24_000 }

export interface Signature {
  readonly keyId: string
  /** Lower-case hexadecimal: 128 digits of Ed25519, up to 144 of ECDSA. */
  readonly sig: string
}

/** What a document says of itself. */
export interface Envelope {
  readonly role: MetadataRole
  readonly version: number
  readonly expiresMs: number
  readonly signed: JsonObject
  readonly signatures: readonly Signature[]
}

/** A TUF document whose shape was checked and whose signatures were not. */
export interface Document extends Envelope {
  /** The canonical bytes of `signed`: what the signatures are over. */
  readonly body: Uint8Array
  /** sha-256 of `body`: the document's identity, whatever signatures it carries. */
  readonly bodyHash: string
}

/** A document that verified, with what its model says. */
export interface Held<Model> extends Document {
  /** The document as it is stored and relayed: canonical, only with signatures that verified, sorted. Equal knowledge is equal bytes. */
  readonly bytes: Uint8Array
  readonly hash: string
  readonly model: Model
}

/**
 * Reads the shape of any JSON that may be a trust document: size, depth and count, then `JSON.parse` (R19: in this order, because
 * nobody has signed for it yet).
 */
export function parseShape(bytes: Uint8Array): Verdict<JsonObject> {
  const json = parseBoundedJson(bytes, limits)
  if (json.verdict !== 'accept') return json
  return isObject(json.value) ? accept(json.value) : reject('NotATrustDocument', 'not a JSON object')
}

/** Takes a document apart without believing it, as far as that costs next to nothing. Never throws. */
export function parseEnvelope(shape: JsonObject, byteLength: number): Verdict<Envelope> {
  const signed = field(shape, 'signed')
  if (!isObject(signed)) return reject('NotATrustDocument', 'no `signed` object')
  const role = readRole(signed)
  if (role === undefined) return reject('NotATrustDocument', 'not of a role that is known here')
  if (byteLength > documentBytesMax[role]) {
    return reject('TooLarge', `${role} metadata of ${byteLength} bytes, at most ${documentBytesMax[role]} are read`)
  }
  if (Object.keys(shape).length !== 2) return reject('NotATrustDocument', 'more than `signed` and `signatures`')
  const signatures = parseSignatures(field(shape, 'signatures'))
  if (signatures.verdict !== 'accept') return signatures
  return parseSigned(role, signed, signatures.value)
}

function parseSigned(role: MetadataRole, signed: JsonObject, signatures: readonly Signature[]): Verdict<Envelope> {
  const version = positiveInteger(field(signed, 'version'))
  if (version === undefined) return reject('NotATrustDocument', 'its version is not a positive integer')
  const expiresMs = parseExpires(field(signed, 'expires'))
  if (expiresMs === undefined)
    return reject('NotATrustDocument', 'its expiry is not a time of the form 2030-01-31T00:00:00Z')
  const spec = field(signed, 'spec_version')
  if (typeof spec !== 'string' || !/^1(\.\d{1,4}){1,2}$/.test(spec)) {
    return reject('NotATrustDocument', 'not of version 1 of the TUF specification')
  }
  return accept({ role, version, expiresMs, signed, signatures })
}

/** Brings the signed body into its canonical form. Linear in the size of the document. Never throws. */
export function canonicalise(envelope: Envelope): Verdict<Document> {
  const flaw = flawOfValues(envelope.signed)
  if (flaw !== undefined) return reject('NotCanonical', flaw)
  const body = canonicalBytes(envelope.signed)
  return accept({ ...envelope, body, bodyHash: hashOf(body) })
}

/**
 * Which role the signed body speaks for. Delegated roles are TUF `targets` that say in their own body which they are: file names are
 * not signed, and a document of one role must never pass for another's.
 */
function readRole(signed: JsonObject): MetadataRole | undefined {
  const type = topLevelRoles.find(each => each === field(signed, '_type'))
  const own = field(signed, 'instar')
  if (type !== 'targets' || own === undefined) return type
  if (!isObject(own)) return undefined
  const role = field(own, 'role')
  return role === undefined ? type : delegatedRoles.find(each => each === role)
}

const utcTime = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/

export function parseExpires(value: Json | undefined): number | undefined {
  if (typeof value !== 'string' || !utcTime.test(value)) return undefined
  const ms = Date.parse(value)
  return Number.isNaN(ms) ? undefined : ms
}

/** Bytes in hexadecimal: 64 of Ed25519, up to 72 of ECDSA. Which of them a key takes, `verifies` knows. */
const signatureText = /^(?:[0-9a-f]{2}){8,72}$/
const keyIdText = /^[0-9a-f]{64}$/

export function parseSignatures(value: Json | undefined): Verdict<readonly Signature[]> {
  if (value === undefined || !isArray(value)) return reject('NotATrustDocument', 'no list of signatures')
  if (value.length === 0) return reject('Unsigned', 'nobody signed it')
  if (value.length > signaturesMax) {
    return reject('TooManySignatures', `${value.length} signatures, at most ${signaturesMax} are read`)
  }
  const signatures: Signature[] = []
  const seen = new Set<string>()
  for (const each of value) {
    if (!isObject(each)) return reject('NotATrustDocument', 'a signature is not an object')
    const keyId = field(each, 'keyid')
    const sig = field(each, 'sig')
    const whole =
      typeof keyId === 'string' && keyIdText.test(keyId) && typeof sig === 'string' && signatureText.test(sig)
    if (!whole || Object.keys(each).length !== 2) return reject('NotATrustDocument', 'a signature is malformed')
    // One key must not count twice toward a threshold, and a copy of its signature is no signature.
    if (seen.has(keyId)) return reject('DuplicateSignature', `two signatures by key ${keyId.slice(0, 8)}`)
    seen.add(keyId)
    signatures.push({ keyId, sig })
  }
  return accept(signatures)
}

/** A document and the signatures of it that verified, in the one form in which it is kept. */
export function hold<Model>(document: Document, verified: readonly Signature[], model: Model): Held<Model> {
  const signatures = [...verified].sort((a, b) => (a.keyId < b.keyId ? -1 : 1))
  const bytes = encodeDocument(document.body, signatures)
  return Object.freeze({ ...document, signatures, bytes, hash: hashOf(bytes), model })
}

/** The canonical form of the whole document around a body that is in it already; JSON, once the line ends of public keys are escaped. */
export function encodeDocument(body: Uint8Array, signatures: readonly Signature[]): Uint8Array {
  const list = canonicalBytes(signatures.map(({ keyId, sig }) => ({ keyid: keyId, sig })))
  const signed = asJson(body)
  return new Uint8Array(
    Buffer.concat([Buffer.from('{"signatures":'), list, Buffer.from(',"signed":'), signed, Buffer.from('}')])
  )
}

const lineEnd = 0x0a

/** The canonical form escapes nothing but quotes and backslashes. A line end is a byte that UTF-8 uses for nothing else. */
function asJson(body: Uint8Array): Uint8Array {
  return body.includes(lineEnd) ? Buffer.from(Buffer.from(body).toString('utf8').replaceAll('\n', '\\n')) : body
}
