import { createHash } from 'node:crypto'
import { open, type FileHandle } from 'node:fs/promises'
import { InstarError, messageOf } from '@instar/core'
import {
  bodyBytesMax,
  headerBytesMax,
  offlineFileInvalid,
  offlineMagic,
  offlineMagics,
  parseOfflineHeader,
  type OfflineRecord
} from './offline-record.js'

/**
 * The records of an offline file in order, one in memory at a time; the last one, which counts and hashes all before it, is checked and
 * not given out.
 *
 * @throws InstarError OfflineFileInvalid where the file stops being one
 */
export async function* readOfflineFile(path: string): AsyncGenerator<OfflineRecord> {
  const file = await open(path, 'r').catch((thrown: unknown) => {
    throw new InstarError('BadInput', `${path} cannot be read: ${messageOf(thrown)}.`, { cause: thrown })
  })
  try {
    const stat = await file.stat()
    if (!stat.isFile()) throw offlineFileInvalid(path, 'it is not an ordinary file')
    yield* readRecords(new Cursor(file, stat.size), path)
  } finally {
    await file.close()
  }
}

async function* readRecords(cursor: Cursor, path: string): AsyncGenerator<OfflineRecord> {
  const hash = createHash('sha256')
  const magic = await cursor.take(offlineMagic.byteLength)
  if (magic === undefined || !offlineMagics.some(each => each.equals(magic))) {
    const isNewer = magic?.toString('latin1').startsWith('instar-offline ') === true
    throw offlineFileInvalid(
      path,
      isNewer ? 'this release reads formats 1 and 2 only' : 'it is no file of instar bundle export'
    )
  }
  hash.update(magic)
  for (let records = 0; ; records++) {
    const cut = () => offlineFileInvalid(path, `it was cut short after ${records} records`)
    const changed = () => offlineFileInvalid(path, `it was changed at byte ${cursor.at}, in record ${records + 1}`)
    const lengths = await cursor.take(8)
    if (lengths === undefined) throw cut()
    const [headerBytes, bodyBytes] = [lengths.readUInt32BE(0), lengths.readUInt32BE(4)]
    if (headerBytes > headerBytesMax || bodyBytes > bodyBytesMax) throw changed()
    const json = await cursor.take(headerBytes)
    const body = await cursor.take(bodyBytes)
    if (json === undefined || body === undefined) throw cut()
    const header = parseOfflineHeader(json)
    if (header === undefined) throw changed()
    if (header.kind === 'end') {
      if (header.records !== records || header.sha256 !== hash.digest('hex') || bodyBytes > 0) throw changed()
      if (!cursor.atEnd) throw offlineFileInvalid(path, `something follows its end at byte ${cursor.at}`)
      return
    }
    hash.update(lengths).update(json).update(body)
    yield { header, body: new Uint8Array(body) }
  }
}

class Cursor {
  at = 0

  constructor(
    private readonly file: FileHandle,
    private readonly size: number
  ) {}

  get atEnd(): boolean {
    return this.at === this.size
  }

  /** That many bytes, never more than the file has; undefined when it ends before. */
  async take(count: number): Promise<Buffer | undefined> {
    if (this.at + count > this.size) return undefined
    const bytes = Buffer.alloc(count)
    for (let filled = 0; filled < count;) {
      const { bytesRead } = await this.file.read(bytes, filled, count - filled, this.at + filled)
      if (bytesRead === 0) return undefined
      filled += bytesRead
    }
    this.at += count
    return bytes
  }
}
