import type { Access, EntrySource } from '../state/access.js'
import type { ByteKey, KeyRange } from '../state/layer.js'
import { Revocable } from '../state/request-access.js'
import type { ReadLog } from './read-log.js'

/** A request's state in the hands of a method whose answer is to be kept: read only, and every reading noted. */
export class CachedAccess extends Revocable implements Access {
  readonly #lender: Access
  readonly #reads: ReadLog

  constructor(lender: Access, reads: ReadLog) {
    super()
    this.#lender = lender
    this.#reads = reads
  }

  read(key: ByteKey): Buffer | undefined {
    this.assertOpen()
    this.#reads.key(key)
    return this.#lender.read(key)
  }

  write(): void {
    this.assertOpen()
    throw new TypeError('a method whose answer is kept by ctx.cache only reads')
  }

  entries(range: KeyRange, reverse: boolean, limit: number): EntrySource {
    this.assertOpen()
    this.#reads.range(range)
    return this.guarded(this.#lender.entries(range, reverse, limit))
  }
}
