import { accept, certificateBytesMax, InstarError, reject, type Json, type Verdict } from '@instar/core'
import { canonicalBytes, field, flawOfValues, isObject, type JsonObject } from '../metadata/canonical.js'
import { parseSignatures, type Signature } from '../metadata/document.js'

/** What the admission keys sign beside TUF. The type stands in what is signed: neither passes for the other, nor for metadata. */
export type AdmissionType = 'certificate' | 'invitation'

/** A signed body whose shape was checked and whose signatures were not. */
export interface AdmissionEnvelope {
  readonly signed: JsonObject
  /** Its canonical bytes: what the signatures are over. */
  readonly body: Uint8Array
  readonly signatures: readonly Signature[]
}

/** Takes an envelope apart without believing it. Linear in its size. Never throws. */
export function readEnvelope(
  value: Json | undefined,
  type: AdmissionType,
  network: string
): Verdict<AdmissionEnvelope> {
  const signed = isObject(value) ? field(value, 'signed') : undefined
  if (!isObject(value) || !isObject(signed) || field(signed, '_type') !== type)
    return reject('NotACertificate', `there is no signed ${type}`)
  // It says so itself: nothing that anybody learns makes it one of this network.
  if (field(signed, 'network') !== network) return reject('WrongNetwork', `the ${type} is of another network`)
  const signatures = parseSignatures(field(value, 'signatures'))
  if (signatures.verdict !== 'accept') return signatures
  const flaw = flawOfValues(signed)
  if (flaw !== undefined) return reject('NotCanonical', flaw)
  return accept({ signed, body: canonicalBytes(signed), signatures: signatures.value })
}

/** The parts of an envelope as JSON, signatures in the order of their keys. */
export function envelopeJson(signed: JsonObject, signatures: readonly Signature[]): JsonObject {
  const sorted = [...signatures].sort((a, b) => (a.keyId < b.keyId ? -1 : 1))
  return { signed, signatures: sorted.map(({ keyId, sig }) => ({ keyid: keyId, sig })) }
}

/** @throws InstarError BadInput when nobody would read so much */
export function encodeBounded(type: AdmissionType, json: JsonObject): Uint8Array {
  const bytes = canonicalBytes(json)
  if (bytes.byteLength <= certificateBytesMax) return bytes
  throw new InstarError(
    'BadInput',
    `The ${type} would have ${bytes.byteLength} bytes, and at most ${certificateBytesMax} are read: give it fewer groups, or fewer signatures.`,
    { detail: { bytes: bytes.byteLength, limit: certificateBytesMax } }
  )
}
