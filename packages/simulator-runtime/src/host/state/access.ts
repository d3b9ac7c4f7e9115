import type { ByteKey, KeyRange } from './layer.js'

/** Entries in key order, some at a time; an empty answer is the end. */
export interface EntrySource {
  next(count: number): Promise<Array<[key: ByteKey, value: Buffer]>>
  close(): Promise<void>
}

/**
 * What stands behind a state view: where one request, transform or initialisation reads and writes. Reads are synchronous: a LevelDB read
 * takes 1.5 µs where it is cached, handing it to another thread takes 13 µs, and this process serves one object only.
 */
export interface Access {
  /** @throws when the view is no longer to be used */
  read(key: ByteKey): Buffer | undefined
  /** `null` deletes. @throws when this is not to be written */
  write(key: ByteKey, value: Buffer | null): void | Promise<void>
  entries(range: KeyRange, reverse: boolean, limit: number): EntrySource
  /** An operation that takes several turns has begun, and must end before the request may. */
  begin(): void
  end(): void
}
