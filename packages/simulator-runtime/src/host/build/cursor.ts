import type { ByteKey } from '../state/layer.js'

/** How far the entries of several states have been mapped, one state after the other, in order of keys. */
export class Cursor {
  readonly #sources: readonly ByteKey[]
  #source = 0
  #last: ByteKey | undefined

  /** @param sources prefixes of the states */
  constructor(sources: readonly ByteKey[]) {
    this.#sources = sources
  }

  /** The prefix of the state whose turn it is; `undefined` when all have had theirs. */
  get source(): ByteKey | undefined {
    return this.#sources[this.#source]
  }

  /** The last entry that was mapped of this state. */
  get last(): ByteKey | undefined {
    return this.#last
  }

  mapped(key: ByteKey): void {
    this.#last = key
  }

  /** This state is done: whatever comes in it now comes behind. */
  next(): void {
    this.#source++
    this.#last = undefined
  }

  /** Whether an entry with this key has had its turn. */
  readonly isBehind = (key: ByteKey): boolean => {
    const at = this.#sources.findIndex(prefix => key.startsWith(prefix))
    if (at === -1 || at > this.#source) return false
    return at < this.#source || (this.#last !== undefined && key <= this.#last)
  }
}
