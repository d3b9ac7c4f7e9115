// One line of the audit log, without the file. The lines form a chain: the hash of each covers the hash of the one before and every
// byte of its own, so that nobody changes, removes, repeats or moves a line without a trace.
//
//   {"seq":7,"at":"2026-01-31T12:00:00.000Z","event":"trusted", … ,"hash":"<sha-256 of the hash before ‖ the bytes up to here>"}

import { createHash } from 'node:crypto'
import { invariant, type Json } from '@instar/core'

/** What stands in the log; append-only, like every closed list that is on disk. */
export const auditEvents = [
  /** First line of a log, and first line of each later file of it. */
  'began',
  'continued',
  /** What the log says of itself: a last line that a crash had cut short, and a flaw that cannot be explained by one. */
  'torn',
  'damaged',
  'started',
  'stopped',
  /** A trust document or descriptor was stored as trusted, or as evidence. `set` numbers the trusted set that it made. */
  'trusted',
  /** The store holds a later set than the log names: a crash came between the two. */
  'recovered',
  /** A document was wrong under every trust state; `refusedMore` counts those for which there was no line left. */
  'refused',
  'refusedMore',
  /** This peer signed with the online keys that it was given. */
  'signed',
  'rotated',
  'forked',
  'decided',
  'halted',
  'resumed',
  'admissionChanged',
  /** An operator had this peer reset after a fork was decided against what it had committed. */
  'reset',
  /** What an operator changed of the local policy at run time, all of it after the change; a host that crashed too often, and its end. */
  'policyChanged',
  'parked',
  'unparked',
  /** An operator has given this peer the state of an earlier version back (§8). */
  'restored'
] as const

type AuditEvent = (typeof auditEvents)[number]

/** What is to be written down. Where a version is meant it goes with its chain id prefix (R1): `version`, `chainId`. */
export interface AuditEntry {
  readonly event: AuditEvent
  readonly [field: string]: Json
}

/** The newest line: its number and hash stand for all lines up to it. */
export interface AuditHead {
  readonly seq: number
  readonly hash: string
}

export interface AuditLine extends AuditHead {
  readonly entry: AuditEntry
}

/** The hash before the first line. */
export const noHash = '0'.repeat(64)
/** No entry needs more; a longer line was not written by a peer. */
const lineBytesMax = 16 * 1024

const ending = /^,"hash":"([0-9a-f]{64})"\}$/
const endingLength = ',"hash":""}'.length + 64

/** The line with its line end. */
export function encodeLine(before: string, seq: number, at: string, entry: AuditEntry): { text: string; hash: string } {
  invariant(!['seq', 'at', 'hash'].some(name => name in entry), 'an entry leaves the fields of the chain alone')
  const open = JSON.stringify({ seq, at, ...entry }).slice(0, -1)
  const hash = hashOf(before, Buffer.from(open))
  const text = `${open},"hash":"${hash}"}\n`
  invariant(Buffer.byteLength(text) <= lineBytesMax, 'a line of the audit log keeps its bound')
  return { text, hash }
}

/**
 * Reads a line without its line end.
 *
 * @param before - the line that it must follow; only its hash where the file begins
 * @returns what is wrong with it where it is none, or not the next one
 */
export function readLine(before: Pick<AuditHead, 'hash'> & Partial<AuditHead>, bytes: Buffer): AuditLine | string {
  if (bytes.length > lineBytesMax) return 'it is longer than any line that is written'
  const hash = ending.exec(bytes.toString('latin1', Math.max(0, bytes.length - endingLength)))?.[1]
  if (hash === undefined) return 'it does not end in its hash'
  if (hash !== hashOf(before.hash, bytes.subarray(0, bytes.length - endingLength)))
    return 'its hash is not that of its text and of the line before'
  // What carries the right hash is what was written, but for one who computes hashes: believed no more than JSON is.
  const parsed = parse(bytes)
  if (parsed === undefined) return 'it is not an entry of this log'
  const { seq, at: _at, hash: _hash, ...entry } = parsed
  if (before.seq !== undefined && seq !== before.seq + 1) return `it has number ${seq} after number ${before.seq}`
  return { seq, hash, entry: entry as AuditEntry }
}

/** What a line says of its own hash, whether or not it holds: where the chain goes on behind a flaw. */
export function claimedHash(bytes: Buffer): string | undefined {
  return ending.exec(bytes.toString('latin1', Math.max(0, bytes.length - endingLength)))?.[1]
}

function parse(bytes: Buffer): { readonly seq: number; readonly [field: string]: Json } | undefined {
  try {
    const value = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes)) as { seq?: Json; event?: Json }
    const isEntry = Number.isSafeInteger(value.seq) && typeof value.event === 'string'
    return isEntry ? (value as { seq: number }) : undefined
  } catch {
    return undefined
  }
}

function hashOf(before: string, open: Buffer): string {
  return createHash('sha256').update(before).update(open).digest('hex')
}
