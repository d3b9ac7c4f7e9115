import type { ByteKey, Layer } from '../state/layer.js'
import type { ReadLog } from './read-log.js'

export interface CacheLimits {
  /** Answers kept for one façade; the least recently used goes first. */
  readonly cacheEntriesMax: number
  /** Bytes of the answers kept for one façade. */
  readonly cacheBytesMax: number
}

export interface Entry {
  readonly facade: ByteKey
  readonly name: string
  readonly answer: Uint8Array
  /** The method answered by a promise, and so does its kept answer. */
  readonly promised: boolean
  readonly reads: ReadLog
  /** The state that it was computed from. */
  readonly since: number
}

interface Commit {
  readonly version: number
  readonly keys: readonly ByteKey[]
}

/** What of the last commits is remembered, for queries that end after them. */
const commitsMax = 64
const keysPerCommitMax = 1000

/**
 * Answers that were computed from the state, for as long as the state would give them again. States are numbered by the commands that made
 * them, in their order, durable or not. The rule that cannot lie:
 *
 * An answer that is here was computed from state `since`, and no later command has written anything that it has read. So it is the answer of
 * every state from `since` to the newest. A query takes it if its snapshot is not older than that. A command takes it unless it has written
 * itself what was read.
 *
 * A write drops what has read it in the same moment in which it becomes part of the newest state. Nothing comes in that was computed over
 * writes of a command that has not ended: so it makes no difference whether that fails (R12).
 */
export class Caches {
  readonly #limits: CacheLimits
  readonly #byFacade = new Map<ByteKey, { readonly entries: Map<string, Entry>; bytes: number }>()
  readonly #byKey = new Map<ByteKey, Set<Entry>>()
  readonly #ranged = new Set<Entry>()
  #version = 0
  /** The latest last. Nothing is noted before the first use. */
  #commits: Commit[] = []
  #notedSince: number | undefined
  hits = 0

  constructor(limits: CacheLimits) {
    this.#limits = limits
  }

  /** Of the newest state. */
  get version(): number {
    return this.#version
  }

  get(facade: ByteKey, name: string, version: number): Entry | undefined {
    this.#notedSince ??= this.#version
    const kept = this.#byFacade.get(facade)
    const entry = kept?.entries.get(name)
    if (kept === undefined || entry === undefined || entry.since > version) return undefined
    kept.entries.delete(name)
    kept.entries.set(name, entry)
    return entry
  }

  /** Takes an answer in, if it is still the newest state's. */
  put(entry: Entry): void {
    if (entry.reads.isTooLong || !this.#isCurrent(entry)) return
    const { cacheEntriesMax, cacheBytesMax } = this.#limits
    const size = entry.answer.byteLength
    if (size > cacheBytesMax / 4) return
    let kept = this.#byFacade.get(entry.facade)
    if (kept === undefined) {
      kept = { entries: new Map(), bytes: 0 }
      this.#byFacade.set(entry.facade, kept)
    }
    const old = kept.entries.get(entry.name)
    if (old !== undefined) this.#drop(old)
    for (const oldest of kept.entries.values()) {
      if (kept.entries.size < cacheEntriesMax && kept.bytes + size <= cacheBytesMax) break
      this.#drop(oldest)
    }
    kept.entries.set(entry.name, entry)
    kept.bytes += size
    for (const key of entry.reads.keys) {
      const readers = this.#byKey.get(key)
      if (readers === undefined) this.#byKey.set(key, new Set([entry]))
      else readers.add(entry)
    }
    if (entry.reads.ranges.length > 0) this.#ranged.add(entry)
  }

  /** A command's writes are part of the newest state from now on. */
  wrote(layer: Layer): void {
    this.#version++
    if (this.#notedSince === undefined) return
    const keys = [...layer.entries.keys()]
    for (const key of keys) for (const entry of this.#byKey.get(key) ?? []) this.#drop(entry)
    for (const entry of this.#ranged) if (entry.reads.touches(keys)) this.#drop(entry)
    if (keys.length > keysPerCommitMax) {
      this.#commits = []
      this.#notedSince = this.#version
      return
    }
    this.#commits.push({ version: this.#version, keys })
    if (this.#commits.length > commitsMax) this.#notedSince = this.#commits.shift()?.version ?? this.#version
  }

  /** Other façades serve from now on. */
  clear(): void {
    this.#byFacade.clear()
    this.#byKey.clear()
    this.#ranged.clear()
    // What is being computed now may be of the code that has gone.
    this.#version++
    this.#commits = []
    this.#notedSince = this.#version
  }

  #isCurrent({ since, reads }: Entry): boolean {
    if (since === this.#version) return true
    if (this.#notedSince === undefined || since < this.#notedSince) return false
    return !this.#commits.some(({ version, keys }) => version > since && reads.touches(keys))
  }

  #drop(entry: Entry): void {
    const kept = this.#byFacade.get(entry.facade)
    if (kept?.entries.get(entry.name) === entry) {
      kept.entries.delete(entry.name)
      kept.bytes -= entry.answer.byteLength
    }
    for (const key of entry.reads.keys) {
      const readers = this.#byKey.get(key)
      readers?.delete(entry)
      if (readers?.size === 0) this.#byKey.delete(key)
    }
    this.#ranged.delete(entry)
  }
}
