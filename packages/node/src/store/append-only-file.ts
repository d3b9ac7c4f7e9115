import type { FileHandle } from 'node:fs/promises'
import { InstarError, messageOf } from '@instar/core'
import { errorCodeOf, toDiskError } from './disk-errors.js'
import { writeAllSynced } from './durable-file.js'

/**
 * A file that only grows: each write is whole and durable when it resolves, or leaves nothing of itself. The file behind the name may be
 * exchanged for another one. What is done with it is done in order.
 */
export class AppendOnlyFile {
  /** Where it is; empty while there is none. */
  path = ''
  /** Bytes of the writes that were acknowledged, which is the whole file. */
  bytes = 0
  private handle: FileHandle | undefined
  /** Set when the file's end is unknown: nothing may be appended behind bytes that nobody can read. */
  private broken: InstarError | undefined
  private last: Promise<unknown> = Promise.resolve()

  /** @param name what people call it, with an article, at the beginning of a sentence */
  constructor(private readonly name: string) {}

  /** @throws InstarError what broke the file, or what the operation throws */
  inOrder(operation: () => Promise<void>): Promise<void> {
    const run = async () => {
      if (this.broken !== undefined) throw this.broken
      await operation()
    }
    const result = this.last.then(run, run)
    this.last = result.catch(() => undefined)
    return result
  }

  /** To be called in an operation. @throws InstarError DiskFull, DataDirectoryDamaged, Stopped */
  async append(bytes: Uint8Array): Promise<void> {
    if (this.handle === undefined) throw new InstarError('Stopped', `${this.name} is not open.`)
    try {
      await writeAllSynced(this.handle, bytes)
    } catch (thrown) {
      await this.cutOff(this.handle, thrown)
      throw toDiskError(this.path, thrown)
    }
    this.bytes += bytes.length
  }

  /** Goes on with this file, opened for appending, of which so many bytes stand. To be called in an operation. */
  async goOnWith(path: string, handle: FileHandle, bytes: number): Promise<void> {
    const before = this.handle
    this.handle = handle
    this.path = path
    this.bytes = bytes
    await before?.close()
  }

  /** After what was asked before; refuses everything from then on. */
  async close(): Promise<void> {
    await this.last
    this.broken = new InstarError('Stopped', `${this.name} is closed.`)
    await this.handle?.close()
    this.handle = undefined
  }

  /** A write that failed may have left part of itself: it goes before anything else is written. */
  private async cutOff(handle: FileHandle, thrown: unknown): Promise<void> {
    try {
      await handle.truncate(this.bytes)
      await handle.sync()
      // After a failed fsync the kernel may have dropped pages that it reports as written: only a new start reads the truth.
      if (errorCodeOf(thrown) === 'EIO') this.broken = unknownEnd(this.path, thrown)
    } catch {
      // The disk refuses even this; opening again finds the torn end and cuts it off.
      this.broken = unknownEnd(this.path, thrown)
    }
  }
}

function unknownEnd(path: string, cause: unknown): InstarError {
  const message = `What of ${path} is on the disk is not known any more (${messageOf(cause)}): start the peer again.`
  return new InstarError('DataDirectoryDamaged', message, { detail: { path }, cause })
}
