import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { errorCodeOf } from '../store/disk-errors.js'
import { claimedHash, noHash, readLine, type AuditLine } from './audit-line.js'

/** One file of the log, named by the number of its first line. */
export interface AuditFile {
  readonly path: string
  readonly firstSeq: number
}

/** What one file holds. */
export interface AuditFileContents {
  /** Lines that follow each other without a flaw, from the first one. */
  readonly last: AuditLine | undefined
  readonly lines: readonly AuditLine[]
  /** Every line with a line end as it stands there, a flawed one too. */
  readonly texts: readonly string[]
  /** Bytes up to the end of `last`. */
  readonly wholeBytes: number
  /** Bytes behind it that have no line end: what a crash leaves, or a program that writes just now. */
  readonly tornBytes: number
  /** The first line, counted from 1, that is not what it must be. A torn end is none. */
  readonly flaw: { readonly line: number; readonly text: string } | undefined
  /** The highest trusted set that any line names, those behind a flaw included as far as the chain holds again. */
  readonly set: number
}

const pattern = /^(\d{12})\.jsonl$/

export function auditFileName(firstSeq: number): string {
  return `${String(firstSeq).padStart(12, '0')}.jsonl`
}

/** The files of a log, oldest first; none where there is no folder. */
export async function auditFiles(directory: string): Promise<readonly AuditFile[]> {
  const names = await readdir(directory).catch((thrown: unknown) => {
    if (errorCodeOf(thrown) === 'ENOENT') return []
    throw thrown
  })
  return names
    .flatMap(name => {
      const digits = pattern.exec(name)?.[1]
      return digits === undefined ? [] : [{ path: join(directory, name), firstSeq: Number(digits) }]
    })
    .sort((a, b) => a.firstSeq - b.firstSeq)
}

/**
 * Reads a file of the log.
 *
 * @param before - the line before its first, where that is known; else the file says itself what it goes on from
 */
export async function readAuditFile(file: AuditFile, before?: AuditLine): Promise<AuditFileContents> {
  const bytes = await readFile(file.path)
  const lines: AuditLine[] = []
  let previous: Parameters<typeof readLine>[0] = before ?? {
    hash: file.firstSeq === 1 ? noHash : (saidBefore(bytes) ?? noHash),
    seq: file.firstSeq - 1
  }
  let flaw: AuditFileContents['flaw']
  let set = 0
  let wholeBytes = 0
  let at = 0
  const texts: string[] = []
  for (let end = bytes.indexOf(0x0a); end !== -1; end = bytes.indexOf(0x0a, at)) {
    const text = bytes.subarray(at, end)
    texts.push(text.toString())
    const line = readLine(previous, text)
    if (typeof line === 'string') {
      flaw ??= { line: texts.length, text: line }
      previous = { hash: claimedHash(text) ?? noHash }
    } else {
      if (typeof line.entry['set'] === 'number') set = Math.max(set, line.entry['set'])
      previous = line
      if (flaw === undefined) {
        lines.push(line)
        wholeBytes = end + 1
      }
    }
    at = end + 1
  }
  if (file.firstSeq > 1 && before !== undefined && before.seq + 1 !== file.firstSeq)
    flaw = { line: 1, text: `the file is named for line ${file.firstSeq}, and the line before is ${before.seq}` }
  return { last: lines.at(-1), lines, wholeBytes, tornBytes: bytes.length - at, texts, flaw, set }
}

/** The first line of a later file repeats the hash before it, so that older files may be kept elsewhere. */
function saidBefore(bytes: Buffer): string | undefined {
  return /^[^\n]*?"before":"([0-9a-f]{64})"/.exec(bytes.toString('latin1', 0, 4096))?.[1]
}
