// The byte form of the journal (§11), without the file. A record is
//
//   u32 payload length | u32 crc32c of the payload | u64 seq | u16 format | u16 type length | u32 crc32c of all that | type, body
//
// all big-endian; the body is canonical JSON. The header has a checksum of its own, because a damaged *length* would
// otherwise look like a record that reaches past the end of the file, and everything after it would be cut off as torn.

import { concat, fromString, toString } from 'uint8arrays'
import { crc32c } from '../codec/crc32c.js'
import { toCanonicalJson, type Json } from '../codec/json.js'
import { invariant } from '../errors.js'

const headerBytes = 24
const typeBytesMax = 64
/** Type and body of one record together. */
export const journalRecordBytesMax = 16 * 1024 * 1024

/** Disks write whole sectors: what a torn write leaves unwritten reads as zeros from a sector's start on. */
const sectorBytes = 512

/** One entry of the journal as it stands in the file. */
export interface JournalRecord {
  /** One more than that of the record before. */
  readonly seq: number
  /** The form of the body (§16); a release reads its own and the two before. */
  readonly format: number
  readonly type: string
  readonly body: Json
}

/** What the bytes of a journal turn out to be. */
export type JournalContents =
  | {
      /** `torn`: the last write did not finish; everything from `bytes` on is to be cut off. */
      readonly outcome: 'whole' | 'torn'
      readonly records: readonly JournalRecord[]
      readonly bytes: number
    }
  | {
      /** A record that was once whole is not any more: nothing after it may be believed, and nothing may be cut off. */
      readonly outcome: 'damaged'
      /** Counted from 0, and where it begins in the file. */
      readonly index: number
      readonly offset: number
      readonly detail: string
    }

/** One record as bytes, to be appended in one write. */
export function encodeJournalRecord(record: JournalRecord): Uint8Array {
  const type = fromString(record.type, 'utf8')
  const body = toCanonicalJson(record.body)
  invariant(type.length > 0 && type.length <= typeBytesMax, 'a journal record has a short type')
  invariant(type.length + body.length <= journalRecordBytesMax, 'a journal record fits its largest size')
  const header = new Uint8Array(headerBytes)
  const view = new DataView(header.buffer)
  view.setUint32(0, type.length + body.length)
  view.setUint32(4, crc32c(type, body))
  view.setBigUint64(8, BigInt(record.seq))
  view.setUint16(16, record.format)
  view.setUint16(18, type.length)
  view.setUint32(20, crc32c(header.subarray(0, 20)))
  return concat([header, type, body])
}

/** Reads a whole journal. Never throws: what is wrong with it is in the outcome. */
export function decodeJournal(bytes: Uint8Array): JournalContents {
  const records: JournalRecord[] = []
  let offset = 0
  while (offset < bytes.length) {
    const read = readRecord(bytes, offset, records.at(-1)?.seq)
    if (typeof read !== 'string') {
      records.push(read.record)
      offset = read.end
    } else if (read === 'short' || isUnwritten(bytes, offset)) {
      return { outcome: 'torn', records, bytes: offset }
    } else {
      return { outcome: 'damaged', index: records.length, offset, detail: read }
    }
  }
  return { outcome: 'whole', records, bytes: offset }
}

/** The record at `offset`, `short` when the file ends within it, else what is wrong with it. */
function readRecord(
  bytes: Uint8Array,
  offset: number,
  seqBefore: number | undefined
): { record: JournalRecord; end: number } | string {
  if (bytes.length - offset < headerBytes) return 'short'
  const header = bytes.subarray(offset, offset + headerBytes)
  const view = new DataView(header.buffer, header.byteOffset, headerBytes)
  if (view.getUint32(20) !== crc32c(header.subarray(0, 20))) return 'the checksum of its header does not fit'
  const end = offset + headerBytes + view.getUint32(0)
  if (end > bytes.length) return 'short'
  const payload = bytes.subarray(offset + headerBytes, end)
  if (view.getUint32(4) !== crc32c(payload)) return 'its checksum does not fit'
  const seq = Number(view.getBigUint64(8))
  if (seqBefore !== undefined && seq !== seqBefore + 1) return `it has number ${seq} after ${seqBefore}`
  const typeLength = view.getUint16(18)
  try {
    const type = toString(payload.subarray(0, typeLength), 'utf8')
    const body = JSON.parse(toString(payload.subarray(typeLength), 'utf8')) as Json
    return { record: { seq, format: view.getUint16(16), type, body }, end }
  } catch {
    return 'its body is not JSON'
  }
}

/** Whether the bytes from `offset` on end in sectors that were never written. No whole record ends in a zero. */
function isUnwritten(bytes: Uint8Array, offset: number): boolean {
  let zerosFrom = bytes.length
  while (zerosFrom > offset && bytes[zerosFrom - 1] === 0) zerosFrom--
  const lastSector = Math.floor((bytes.length - 1) / sectorBytes) * sectorBytes
  return zerosFrom < bytes.length && zerosFrom <= Math.max(offset, lastSector)
}
