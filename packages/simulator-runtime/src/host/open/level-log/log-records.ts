import { crc32c } from '@instar/core'
import { unmask } from './checksum.js'

// The form of LevelDB's logs and manifests (its doc/log_format.md): blocks of 32 KiB, in them pieces with a header of checksum, length and
// kind; a record is one whole piece or a first, middle ones and a last. What remains of a block that is too short for a header is zeros.
const blockBytes = 32 * 1024
const headerBytes = 7
const sectorBytes = 512
const whole = 1
const first = 2
// 3: a middle one.
const last = 4

export interface LogReading {
  /** All whole records up to where it ends. */
  readonly records: readonly Buffer[]
  /** `cutOff`: in the middle of a write, whose process died or has not come to its end yet, or whose machine lost power. */
  readonly end: 'whole' | 'cutOff' | 'damaged'
  /** Where. */
  readonly endsAt: number
}

/** Reads a whole log, and finds out what its end is: cut off by a crash, or changed since. */
export function readLogRecords(bytes: Buffer): LogReading {
  const records: Buffer[] = []
  let begun: Buffer[] = []
  let at = 0
  while (at < bytes.length) {
    const left = blockBytes - (at % blockBytes)
    if (left < headerBytes) {
      at += left
      continue
    }
    const piece = pieceAt(bytes, at, left)
    if (piece === undefined) return { records, end: endAt(bytes, at), endsAt: at }
    at += headerBytes + piece.data.length
    if (piece.kind === whole || piece.kind === first) begun = []
    begun.push(piece.data)
    if (piece.kind === whole || piece.kind === last) {
      records.push(Buffer.concat(begun))
      begun = []
    }
  }
  return { records, end: 'whole', endsAt: bytes.length }
}

/** What stands there, where it is whole and in its block. */
function pieceAt(bytes: Buffer, at: number, left: number): { kind: number; data: Buffer } | undefined {
  if (at + headerBytes > bytes.length) return undefined
  const length = bytes.readUInt16LE(at + 4)
  const kind = bytes.readUInt8(at + 6)
  const end = at + headerBytes + length
  if (kind < whole || kind > last || headerBytes + length > left || end > bytes.length) return undefined
  return unmask(bytes.readUInt32LE(at)) === crc32c(bytes.subarray(at + 6, end))
    ? { kind, data: bytes.subarray(at + headerBytes, end) }
    : undefined
}

/**
 * A process that dies has written the beginning of a piece; after power loss there are zeros from some sector on, for what did not arrive.
 * Anything else was written whole once, and has changed since; so has whatever has whole pieces behind it.
 */
function endAt(bytes: Buffer, at: number): 'cutOff' | 'damaged' {
  if (bytes.length - at < headerBytes) return 'cutOff'
  if (hasPieceBehind(bytes, at)) return 'damaged'
  const isTooLong = at + headerBytes + bytes.readUInt16LE(at + 4) > bytes.length
  if (isTooLong && !isWholeTo(bytes, at, bytes.length)) return 'cutOff'
  return bytes.subarray(Math.max(at, lastSectorOf(bytes))).every(byte => byte === 0) ? 'cutOff' : 'damaged'
}

function lastSectorOf(bytes: Buffer): number {
  return Math.floor((bytes.length - 1) / sectorBytes) * sectorBytes
}

/** Whether the checksum fits where only the length does not. */
function isWholeTo(bytes: Buffer, at: number, end: number): boolean {
  return unmask(bytes.readUInt32LE(at)) === crc32c(bytes.subarray(at + 6, end))
}

/** Anywhere in the block, because a length that has changed says nothing of where the next one stands; later blocks begin with one. */
function hasPieceBehind(bytes: Buffer, at: number): boolean {
  const blockEnd = at + (blockBytes - (at % blockBytes))
  for (let from = at + 1; from + headerBytes <= bytes.length; from += from < blockEnd ? 1 : blockBytes) {
    if (pieceAt(bytes, from, blockBytes - (from % blockBytes)) !== undefined) return true
  }
  return false
}
