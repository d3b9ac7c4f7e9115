import { sizeOnDisk } from '../open/database.js'
import type { ByteKey } from '../state/layer.js'
import type { Database } from '../state/merged-entries.js'
import { afterPrefix } from '../state/view.js'
import type { Cursor } from './cursor.js'

/** How far a build is. */
export interface BuildState {
  /** Entries of the old state that were mapped so far, and their bytes, keys included. */
  readonly entries: number
  readonly bytes: number
  /** Entries that have changed since they were mapped. */
  readonly dirty: number
  /** How much of the first pass is done, from 0 to 1; absent while that cannot be told, as of a state that is in memory only. */
  readonly share?: number
  /** At the speed of up to now. */
  readonly leftMs?: number
}

const lookEveryMs = 250

/** Judges by sizes on disk how much of a state has been mapped: nobody has counted its entries. */
export class BuildGauge {
  readonly #db: Database
  readonly #sources: readonly ByteKey[]
  readonly #begunMs = performance.now()
  #lookedMs = -Infinity
  #share: number | undefined

  /** @param sources prefixes of the states that are mapped */
  constructor(db: Database, sources: readonly ByteKey[]) {
    this.#db = db
    this.#sources = sources
  }

  /** Looks again, if the last look is not of just now. */
  async look(cursor: Cursor): Promise<Pick<BuildState, 'share' | 'leftMs'>> {
    if (cursor.source === undefined) return { share: 1, leftMs: 0 }
    const now = performance.now()
    if (now - this.#lookedMs >= lookEveryMs) {
      this.#lookedMs = now
      this.#share = await this.#shareDone(cursor)
    }
    if (this.#share === undefined || this.#share === 0) return {}
    return { share: this.#share, leftMs: Math.round(((now - this.#begunMs) * (1 - this.#share)) / this.#share) }
  }

  async #shareDone({ source, last }: Cursor): Promise<number | undefined> {
    const under = source === undefined ? this.#sources.length : this.#sources.indexOf(source)
    const sizes = await Promise.all(this.#sources.map(each => sizeOnDisk(this.#db, each, afterPrefix(each))))
    const total = sum(sizes)
    if (total === 0) return undefined
    const here = source === undefined || last === undefined ? 0 : await sizeOnDisk(this.#db, source, last)
    return Math.min(1, (sum(sizes.slice(0, under)) + here) / total)
  }
}

function sum(values: readonly number[]): number {
  return values.reduce((all, each) => all + each, 0)
}
