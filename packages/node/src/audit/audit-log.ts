import { mkdir, open, rename, rm } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { AppendOnlyFile } from '../store/append-only-file.js'
import { onDisk } from '../store/disk-errors.js'
import { syncDirectory, writeAllSynced } from '../store/durable-file.js'
import { auditFileName, auditFiles, readAuditFile, type AuditFile } from './audit-files.js'
import { encodeLine, noHash, type AuditEntry, type AuditHead } from './audit-line.js'
import { Refusals } from './refusals.js'

export interface AuditLogInit {
  readonly directory: string
  /** Remembers the newest line in another file, so that lines taken from the very end are missed. */
  readonly store: {
    readAuditHead(): Promise<AuditHead | undefined>
    writeAuditHead(head: AuditHead): Promise<void>
  }
  readonly now: () => number
  /** A file that has grown to this gets a successor. Default 4 MiB. */
  readonly fileBytesMax?: number
}

/** The append-only record of what this peer trusted, refused and signed, and what it stopped for (R19, R20). */
export interface AuditLog {
  /** Writes entries with one fsync; on disk when it resolves. Calls are served in order. @throws InstarError DiskFull */
  append(...entries: readonly AuditEntry[]): Promise<void>
  /** Something that is wrong under every trust state: the first ones get a line each, a flood is counted. Never throws. */
  refused(from: string, code: string, detail: string): void
  head(): AuditHead
  /** The highest trusted set that the log names: the store may hold this one or a later one, never an earlier one. */
  readonly setAtStart: number
  /** What was found wrong with the log when it was opened, a sentence for the operator. It goes on behind the flaw, in a new file. */
  readonly problem: string | undefined
  close(): Promise<void>
}

/** What a look at the newest file found, and where to go on. */
interface Found {
  readonly file: AuditFile | undefined
  /** Bytes of it that stay. */
  readonly bytes: number
  readonly head: AuditHead
  readonly set: number
  /** To be written first. */
  readonly mark: AuditEntry | undefined
  readonly problem: string | undefined
}

/**
 * Opens the log, making it where it does not exist. A torn last line is cut off and named by the next one: nobody was told that it
 * stands. Anything else that is not as it was written is left as it is, for `verifyAudit` to point at, and said.
 */
export async function openAuditLog(init: AuditLogInit): Promise<AuditLog> {
  const { directory, store } = init
  const found = await onDisk(directory, async () => {
    await mkdir(directory, { recursive: true, mode: 0o700 })
    return look(directory, await store.readAuditHead())
  })
  const log = new AuditFiles(init, found)
  await log.begin(found)
  return log
}

async function look(directory: string, known: AuditHead | undefined): Promise<Found> {
  const files = await auditFiles(directory)
  for (const { path } of files) await rm(asidePath(path), { force: true })
  const file = files.at(-1)
  if (file === undefined) {
    const none = { file: undefined, bytes: 0, set: 0 }
    if (known === undefined)
      return { ...none, head: { seq: 0, hash: noHash }, mark: { event: 'began' }, problem: undefined }
    return { ...none, ...damaged(known, 'the whole log', `it is gone, and line ${known.seq} was written`) }
  }
  const { last, lines, wholeBytes, tornBytes, texts, flaw, set } = await readAuditFile(file)
  const head = last ?? { seq: file.firstSeq - 1, hash: noHash }
  const missing = known !== undefined && known.seq > head.seq
  const other = lines.find(line => line.seq === known?.seq && line.hash !== known.hash)
  if (flaw !== undefined || missing || other !== undefined || last === undefined) {
    const text =
      flaw !== undefined
        ? `line ${flaw.line}: ${flaw.text}`
        : other === undefined
          ? `it ends with line ${head.seq}, and line ${known?.seq ?? head.seq + 1} was written`
          : `line ${other.seq} is another one than was written`
    const after = missing ? known : head
    // Behind every number that the file may have used, so that no file is ever replaced.
    const beyond = { seq: Math.max(after.seq, file.firstSeq + texts.length), hash: after.hash }
    return { file: undefined, bytes: 0, set, ...damaged(beyond, basename(file.path), text) }
  }
  const mark: AuditEntry | undefined = tornBytes > 0 ? { event: 'torn', bytes: tornBytes } : undefined
  return { file, bytes: wholeBytes, head: { seq: last.seq, hash: last.hash }, set, mark, problem: undefined }
}

function damaged(head: AuditHead, what: string, text: string): Pick<Found, 'head' | 'mark' | 'problem'> {
  return {
    head,
    mark: { event: 'damaged', what, flaw: text },
    problem: `The audit log is not what this peer wrote (${what}: ${text}). It goes on in a new file; \`instar log verify\` shows the place.`
  }
}

function asidePath(path: string): string {
  return `${path}.new`
}

const fileBytesDefault = 4 * 1024 * 1024
const detailMax = 300

class AuditFiles implements AuditLog {
  readonly setAtStart: number
  readonly problem: string | undefined
  private newest: AuditHead
  private readonly file = new AppendOnlyFile('The audit log')
  private set: number
  private readonly refusals: Refusals

  constructor(
    private readonly init: AuditLogInit,
    found: Found
  ) {
    this.refusals = new Refusals(init.now)
    this.newest = found.head
    this.setAtStart = found.set
    this.set = found.set
    this.problem = found.problem
  }

  async begin({ file, bytes, mark }: Found): Promise<void> {
    if (file === undefined) {
      await this.file.inOrder(() => this.nextFile(mark ?? { event: 'continued' }))
      return
    }
    await onDisk(file.path, async () => {
      const handle = await open(file.path, 'a', 0o600)
      if (mark !== undefined) await handle.truncate(bytes)
      // What was read is taken for written, though the process that wrote it may not have lived to sync it.
      await handle.sync()
      await this.file.goOnWith(file.path, handle, bytes)
    })
    if (mark !== undefined) await this.append(mark)
    else await this.remember()
  }

  head(): AuditHead {
    return this.newest
  }

  append(...entries: readonly AuditEntry[]): Promise<void> {
    return this.file.inOrder(async () => {
      if (this.file.bytes >= (this.init.fileBytesMax ?? fileBytesDefault)) await this.nextFile({ event: 'continued' })
      const { text, head } = this.encode(entries)
      await this.file.append(Buffer.from(text))
      this.newest = head
      for (const { set } of entries) if (typeof set === 'number') this.set = Math.max(this.set, set)
      await this.remember()
    })
  }

  refused(from: string, code: string, detail: string): void {
    const entries = this.refusals.note(from, code, detail.slice(0, detailMax))
    // A refusal costs its sender nothing less where the disk is full.
    if (entries.length > 0) this.append(...entries).catch(() => undefined)
  }

  async close(): Promise<void> {
    const counted = this.refusals.counted()
    if (counted.length > 0) await this.append(...counted).catch(() => undefined)
    await this.file.close()
  }

  /** A file is whole from its first line on, or it is not there. */
  private async nextFile(entry: AuditEntry): Promise<void> {
    const { seq, hash } = this.newest
    const path = join(this.init.directory, auditFileName(seq + 1))
    const first = { ...entry, ...(seq === 0 ? {} : { before: hash }), set: this.set }
    const { text, head } = this.encode([first])
    await onDisk(path, async () => {
      const next = await open(asidePath(path), 'w', 0o600)
      try {
        await writeAllSynced(next, Buffer.from(text))
        await rename(asidePath(path), path)
        await syncDirectory(this.init.directory)
      } finally {
        await next.close()
      }
      await this.file.goOnWith(path, await open(path, 'a', 0o600), Buffer.byteLength(text))
    })
    this.newest = head
    await this.remember()
  }

  private encode(entries: readonly AuditEntry[]): { readonly text: string; readonly head: AuditHead } {
    const at = new Date(this.init.now()).toISOString()
    let { seq, hash } = this.newest
    let text = ''
    for (const entry of entries) {
      const line = encodeLine(hash, ++seq, at, entry)
      hash = line.hash
      text += line.text
    }
    return { text, head: { seq, hash } }
  }

  /** Only of lines that are on disk: the store must never know of more than the file holds. */
  private async remember(): Promise<void> {
    // Where the store cannot be written it knows an older line, which is true as well.
    await this.init.store.writeAuditHead(this.newest).catch(() => undefined)
  }
}
