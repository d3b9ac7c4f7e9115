import { basename } from 'node:path'
import { auditFiles, readAuditFile } from './audit-files.js'
import type { AuditHead, AuditLine } from './audit-line.js'

/** What became of the check of a log. */
export interface AuditCheck {
  readonly files: number
  readonly lines: number
  /** Number of the first line that is here; older files may have been taken away to be kept elsewhere. */
  readonly first: number | undefined
  readonly head: AuditHead | undefined
  /** Bytes at the end that are no whole line: a crash's, or being written just now. No flaw: nobody was told that they are there. */
  readonly tornBytes: number
  /** The first thing that is not as it was written; line 0 means the file as a whole. */
  readonly flaw: { readonly file: string; readonly line: number; readonly text: string } | undefined
}

/**
 * Checks the hash chain of a log from its first line to its last, across its files.
 *
 * @param known - the newest line by the word of the store or of the running peer: without it, lines taken from the very end go unnoticed
 */
export async function verifyAudit(directory: string, known: AuditHead | undefined): Promise<AuditCheck> {
  const files = await auditFiles(directory)
  let before: AuditLine | undefined
  let lines = 0
  let tornBytes = 0
  let isKnownMet = false
  const result = (flaw?: AuditCheck['flaw']): AuditCheck => ({
    files: files.length,
    lines,
    first: files[0]?.firstSeq,
    head: before === undefined ? undefined : { seq: before.seq, hash: before.hash },
    tornBytes,
    flaw
  })
  for (const [i, file] of files.entries()) {
    const name = basename(file.path)
    const contents = await readAuditFile(file, before)
    lines += contents.lines.length
    before = contents.last ?? before
    if (contents.flaw !== undefined) return result({ file: name, ...contents.flaw })
    if (contents.last === undefined) return result({ file: name, line: 0, text: 'it holds no line' })
    for (const [at, { seq, hash, entry }] of contents.lines.entries()) {
      const flaw = (text: string) => result({ file: name, line: at + 1, text })
      if (entry.event === 'damaged')
        return flaw(`the peer found its log damaged before this line: ${JSON.stringify(entry['flaw'])}`)
      if (seq !== known?.seq) continue
      if (hash !== known.hash) return flaw('it is not the line that the store of the peer knows by this number')
      isKnownMet = true
    }
    tornBytes = contents.tornBytes
    if (tornBytes > 0 && i < files.length - 1)
      return result({ file: name, line: contents.lines.length + 1, text: 'it is cut short, and another file follows' })
  }
  if (known !== undefined && !isKnownMet) {
    const name = basename(files.at(-1)?.path ?? directory)
    const text =
      before === undefined || before.seq < known.seq
        ? `the log ends with line ${before?.seq ?? 0}, and the peer has written line ${known.seq}`
        : `line ${known.seq}, which the peer has written, is not here`
    return result({ file: name, line: 0, text })
  }
  return result()
}
