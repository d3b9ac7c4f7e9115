import { crc32c, InstarError, toCanonicalJson, type Json } from '@instar/core'

/** The form of stored records that this release writes; it reads its own and the two before (§16). */
const recordFormat = 1
const prefixBytes = 10

export interface DecodedRecord {
  readonly fields: Readonly<Record<string, unknown>>
  readonly body: Uint8Array
}

/** `u16 format | u32 crc32c | u32 length of the fields | fields as canonical JSON | body`. The checksum covers the key: a record is whole only in its place. */
export function encodeRecord(key: string, fields: { readonly [key: string]: Json }, body: Uint8Array): Uint8Array {
  const encodedFields = toCanonicalJson(fields)
  const record = Buffer.alloc(prefixBytes + encodedFields.length + body.length)
  record.writeUInt16BE(recordFormat, 0)
  record.writeUInt32BE(encodedFields.length, 6)
  record.set(encodedFields, prefixBytes)
  record.set(body, prefixBytes + encodedFields.length)
  record.writeUInt32BE(checksum(key, record), 2)
  return record
}

/** The record, or what is wrong with it. */
export function decodeRecord(key: string, bytes: Uint8Array): DecodedRecord | string {
  const record = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  if (record.length < prefixBytes) return 'it is too short'
  const format = record.readUInt16BE(0)
  if (record.readUInt32BE(2) !== checksum(key, record)) return 'its checksum does not fit'
  if (format !== recordFormat) return `it has format ${format}, and this release reads ${recordFormat}`
  const bodyAt = prefixBytes + record.readUInt32BE(6)
  const fields = bodyAt > record.length ? undefined : fieldsOf(record.toString('utf8', prefixBytes, bodyAt))
  return fields === undefined ? 'its fields are not JSON' : { fields, body: Uint8Array.from(record.subarray(bodyAt)) }
}

/** A checksum is no signature: whoever can write the file can make one that fits anything. */
function fieldsOf(text: string): DecodedRecord['fields'] | undefined {
  try {
    const value: unknown = JSON.parse(text)
    return typeof value === 'object' && value !== null ? (value as DecodedRecord['fields']) : undefined
  } catch {
    return undefined
  }
}

function checksum(key: string, record: Buffer): number {
  return crc32c(Buffer.from(key), record.subarray(0, 2), record.subarray(6))
}

export function damaged(path: string, record: string, flaw: string): InstarError {
  return new InstarError(
    'DataDirectoryDamaged',
    `The record ${record} in ${path} is damaged (${flaw}): restore the data directory from a backup, or start a new peer with an empty one.`,
    { detail: { path, record } }
  )
}
