import type { StateIterator } from '../../state/state-view.js'
import type { EntrySource } from './access.js'
import type { ByteKey } from './layer.js'

const readAhead = 100

/** An iterator as abstract-level's, over entries that are in order already. */
export class ViewIterator<T> implements StateIterator<T> {
  readonly #source: EntrySource
  readonly #convert: (key: ByteKey, value: Buffer) => T
  #left: number
  /** Read and not given yet, the next one last. */
  #ahead: Array<[ByteKey, Buffer]> = []
  #closed = false

  constructor(source: EntrySource, limit: number, convert: (key: ByteKey, value: Buffer) => T) {
    this.#source = source
    this.#convert = convert
    this.#left = limit < 0 ? Infinity : limit
  }

  async next(): Promise<T | undefined> {
    this.#assertOpen()
    if (this.#left <= 0) return undefined
    if (this.#ahead.length === 0) this.#ahead = (await this.#source.next(Math.min(readAhead, this.#left))).reverse()
    const entry = this.#ahead.pop()
    if (entry === undefined) {
      this.#left = 0
      return undefined
    }
    this.#left--
    return this.#convert(...entry)
  }

  async nextv(size: number): Promise<T[]> {
    if (!Number.isInteger(size)) throw new TypeError('the number of entries must be an integer')
    const found: T[] = []
    while (found.length < Math.max(size, 1)) {
      const item = await this.next()
      if (item === undefined) break
      found.push(item)
    }
    return found
  }

  async all(): Promise<T[]> {
    const found: T[] = []
    try {
      for (let item = await this.next(); item !== undefined; item = await this.next()) found.push(item)
    } finally {
      await this.close()
    }
    return found
  }

  async close(): Promise<void> {
    if (this.#closed) return
    this.#closed = true
    this.#ahead = []
    await this.#source.close()
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<T, void, void> {
    try {
      for (let item = await this.next(); item !== undefined; item = await this.next()) yield item
    } finally {
      await this.close()
    }
  }

  #assertOpen(): void {
    if (this.#closed) throw new Error('the iterator is closed')
  }
}
