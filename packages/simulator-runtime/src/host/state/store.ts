import { Caches, type CacheLimits } from '../cache/caches.js'
import { toBytes, Layer, type ByteKey } from './layer.js'
import type { Database, Snapshot } from './merged-entries.js'

/**
 * One committed state, for the queries that began while it was the newest. As long as nothing is being written the database itself is that
 * state; only when a commit begins, a snapshot is taken for those that go on reading it.
 */
export interface Epoch {
  /** Of this state, as {@link Caches} counts. */
  readonly version: number
  readers: number
  snapshot: Snapshot | undefined
  over: boolean
}

interface StoreOptions {
  readonly sync: boolean
  readonly onBroken: (error: unknown) => void
  /** Absent: nothing is kept. */
  readonly caches?: CacheLimits
}

interface Waiter {
  readonly done: () => void
  readonly failed: (error: unknown) => void
}

/**
 * Group commit (§9): what commands leave gathers in `pending`, one batch at a time writes it, the next batch gathers meanwhile. Later
 * commands read through both. Whoever waits for a batch is told when it is as durable as the class asks.
 */
export class Store {
  readonly db: Database
  readonly caches: Caches
  readonly #sync: boolean
  readonly #onBroken: (error: unknown) => void
  #pending = new Layer()
  #pendingWaiters: Waiter[] = []
  #flushing: Layer | undefined
  #epoch: Epoch = newEpoch(0)
  #scheduled = false
  #broken: { readonly error: unknown } | undefined
  #idle: Array<() => void> = []
  readonly #listeners = new Set<(layer: Layer) => void>()
  /** The next batch is to survive power loss, whatever the class asks for. */
  #syncNext = false
  /** Batches that were written. */
  commits = 0

  constructor(db: Database, options: StoreOptions) {
    this.db = db
    this.caches = new Caches(options.caches ?? { cacheEntriesMax: 0, cacheBytesMax: 0 })
    this.#sync = options.sync
    this.#onBroken = options.onBroken
  }

  /** The layers that commands read over the database, the earliest first. */
  layers(): readonly Layer[] {
    return this.#flushing === undefined ? [this.#pending] : [this.#flushing, this.#pending]
  }

  /** What the next command finds under a key. */
  read(key: ByteKey): Buffer | undefined {
    const pending = this.#pending.get(key)
    if (pending !== undefined) return pending ?? undefined
    const flushing = this.#flushing?.get(key)
    if (flushing !== undefined) return flushing ?? undefined
    return this.db.getSync(toBytes(key))
  }

  /** Is told what each command leaves, before the next one begins. Gives back how to end that. */
  onCommit(listener: (layer: Layer) => void): () => void {
    this.#listeners.add(listener)
    return () => void this.#listeners.delete(listener)
  }

  /** As {@link commit}, on disk when it resolves. */
  commitDurably(layer: Layer): Promise<void> {
    this.#syncNext = true
    return new Promise((resolve, reject) => this.commit(layer, resolve, reject))
  }

  /** Takes over what a command leaves. `done` comes after the batch that wrote it, and after queries can see it. */
  commit(layer: Layer, done: () => void, failed: (error: unknown) => void): void {
    if (this.#broken !== undefined) {
      failed(this.#broken.error)
      return
    }
    const nothingOpen = this.#flushing === undefined && this.#pendingWaiters.length === 0
    if (layer.entries.size === 0 && nothingOpen) {
      done()
      return
    }
    for (const listener of this.#listeners) listener(layer)
    if (changesState(layer)) this.caches.wrote(layer)
    this.#pending.absorb(layer)
    this.#pendingWaiters.push({ done, failed })
    if (this.#flushing !== undefined || this.#scheduled) return
    // Not at once: the commands of this turn go into one batch.
    this.#scheduled = true
    setImmediate(() => {
      this.#scheduled = false
      this.#flush()
    })
  }

  /**
   * Writes what no command has left, and what nobody reads yet; on disk when it resolves. What fails here fails commands too: behind a record
   * that was written in part, LevelDB writes the next ones where nobody finds them again.
   */
  async aside<T>(write: () => Promise<T>): Promise<T> {
    if (this.#broken !== undefined) throw this.#broken.error
    try {
      return await write()
    } catch (error) {
      this.#break(error)
      throw error
    }
  }

  /** The newest committed state; to be released. */
  acquire(): Epoch {
    this.#epoch.readers++
    return this.#epoch
  }

  release(epoch: Epoch): void {
    epoch.readers--
    if (epoch.over && epoch.readers === 0) closeSnapshot(epoch)
  }

  get broken(): boolean {
    return this.#broken !== undefined
  }

  /** When nothing waits to be written. */
  async idle(): Promise<void> {
    if (this.#flushing === undefined && !this.#scheduled) return
    await new Promise<void>(resolve => this.#idle.push(resolve))
  }

  #flush(): void {
    const layer = this.#pending
    const waiters = this.#pendingWaiters
    this.#pending = new Layer()
    this.#pendingWaiters = []
    this.#flushing = layer
    const epoch = this.#epoch
    const { version } = this.caches
    // Queries that begin before the batch is done read what is committed now.
    epoch.snapshot ??= this.db.snapshot()
    this.#write(layer).then(
      () => {
        this.#flushing = undefined
        // Written behind what failed beside it.
        if (this.#broken !== undefined) return this.#break(this.#broken.error, waiters)
        if (layer.entries.size > 0) this.commits++
        this.#epoch = newEpoch(version)
        epoch.over = true
        if (epoch.readers === 0) closeSnapshot(epoch)
        if (this.#pendingWaiters.length > 0) this.#flush()
        for (const waiter of waiters) waiter.done()
        this.#tellIdle()
      },
      (error: unknown) => {
        this.#flushing = undefined
        this.#break(error, waiters)
      }
    )
  }

  /** What is on disk is unknown: nothing may build on it. The snapshot goes on serving queries. */
  #break(error: unknown, flushed: readonly Waiter[] = []): void {
    const isNews = this.#broken === undefined
    this.#broken ??= { error }
    const lost = [...flushed, ...this.#pendingWaiters]
    this.#pending = new Layer()
    this.#pendingWaiters = []
    for (const waiter of lost) waiter.failed(error)
    if (isNews) this.#onBroken(error)
    this.#tellIdle()
  }

  async #write(layer: Layer): Promise<void> {
    if (layer.entries.size === 0) return
    const sync = this.#sync || this.#syncNext
    this.#syncNext = false
    await this.db.batch(toOperations(layer), { sync })
  }

  #tellIdle(): void {
    if (this.#flushing !== undefined) return
    const waiting = this.#idle
    this.#idle = []
    for (const resolve of waiting) resolve()
  }
}

type Operation = { type: 'put'; key: Buffer; value: Buffer } | { type: 'del'; key: Buffer }

export function toOperations(layer: Layer): Operation[] {
  const operations: Operation[] = []
  for (const [key, value] of layer.entries) {
    operations.push(value === null ? { type: 'del', key: toBytes(key) } : { type: 'put', key: toBytes(key), value })
  }
  return operations
}

/** Sessions and the outbox are nothing that a façade could have read. */
function changesState(layer: Layer): boolean {
  for (const key of layer.entries.keys()) if (key.startsWith('d!')) return true
  return false
}

function newEpoch(version: number): Epoch {
  return { version, readers: 0, snapshot: undefined, over: false }
}

function closeSnapshot(epoch: Epoch): void {
  // Closing a snapshot is synchronous underneath; nothing can be done about a failure, and nothing depends on it.
  void epoch.snapshot?.close().catch(() => undefined)
  epoch.snapshot = undefined
}
