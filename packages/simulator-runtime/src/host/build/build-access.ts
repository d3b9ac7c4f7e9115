import type { Access, EntrySource } from '../state/access.js'
import { entriesOf, Layer, toBytes, type ByteKey, type KeyRange } from '../state/layer.js'
import { mergedEntries, storedEntries, type Database } from '../state/merged-entries.js'
import { toOperations } from '../state/store.js'

/** Entries that gather before a batch goes to disk; a large state is never held in memory. */
const batchBytesMax = 1024 * 1024

/** Reads of a finished state: it never changes (R13). */
export class OldAccess implements Access {
  readonly #db: Database
  readonly #assertOpen: () => void
  readonly #onRead: (entries: number) => void
  readonly #onUnread: (error: unknown) => void

  /** @param onUnread told of a read that fails: whatever the reader makes of that, it has not seen what is there */
  constructor(
    db: Database,
    assertOpen: () => void,
    onRead: (entries: number) => void,
    onUnread: (error: unknown) => void
  ) {
    this.#db = db
    this.#assertOpen = assertOpen
    this.#onRead = onRead
    this.#onUnread = onUnread
  }

  read(key: ByteKey): Buffer | undefined {
    this.#assertOpen()
    try {
      return this.#db.getSync(toBytes(key))
    } catch (error) {
      this.#onUnread(error)
      throw error
    }
  }

  write(): void {
    throw new TypeError('the state of before the upgrade is only read (R13)')
  }

  entries(range: KeyRange, reverse: boolean, limit: number): EntrySource {
    const stored = storedEntries(this.#db, range, { reverse, limit })
    return {
      next: async count => {
        this.#assertOpen()
        const entries = await stored.next(count).catch((error: unknown) => {
          this.#onUnread(error)
          throw error
        })
        this.#onRead(entries.length)
        return entries
      },
      close: () => stored.close()
    }
  }

  begin(): void {
    this.#assertOpen()
  }

  end(): void {
    this.#assertOpen()
  }
}

/** Writes of a state that is being built aside; they count for nothing until meta names their space. */
export class BuildAccess implements Access {
  readonly #db: Database
  readonly #assertOpen: () => void
  readonly #write: (layer: Layer) => Promise<void>
  #gathered = new Layer()
  #gatheredBytes = 0
  #writing: { readonly layer: Layer; readonly done: Promise<void> } | undefined

  /** @param write puts a layer on disk; a batch of its own unless something else writes there too */
  constructor(db: Database, assertOpen: () => void, write?: (layer: Layer) => Promise<void>) {
    this.#db = db
    this.#assertOpen = assertOpen
    // Synced: LevelDB starts a new log without syncing the old one, so a synced `meta` alone would not cover what came before it.
    this.#write = write ?? (layer => db.batch(toOperations(layer), { sync: true }))
  }

  read(key: ByteKey): Buffer | undefined {
    this.#assertOpen()
    const gathered = this.#gathered.get(key)
    if (gathered !== undefined) return gathered ?? undefined
    const writing = this.#writing?.layer.get(key)
    if (writing !== undefined) return writing ?? undefined
    return this.#db.getSync(toBytes(key))
  }

  write(key: ByteKey, value: Buffer | null): void | Promise<void> {
    this.gather(key, value)
    return this.isFull ? this.flush() : undefined
  }

  /** A write whose flush is its maker's business. */
  gather(key: ByteKey, value: Buffer | null): void {
    this.#assertOpen()
    this.#gathered.entries.set(key, value)
    this.#gatheredBytes += key.length + (value?.byteLength ?? 0) + 100
  }

  get isFull(): boolean {
    return this.#gatheredBytes >= batchBytesMax
  }

  /** What is not flushed yet, to be written by whoever takes it. */
  take(): Layer {
    const layer = this.#gathered
    this.#gathered = new Layer()
    this.#gatheredBytes = 0
    return layer
  }

  entries(range: KeyRange, reverse: boolean, limit: number): EntrySource {
    this.#assertOpen()
    const layers = this.#writing === undefined ? [this.#gathered] : [this.#writing.layer, this.#gathered]
    const writes = entriesOf(layers, range, reverse)
    const stored = storedEntries(this.#db, range, { reverse, limit: writes.length === 0 ? limit : -1 })
    return writes.length === 0 ? stored : mergedEntries(stored, writes, reverse)
  }

  begin(): void {
    this.#assertOpen()
  }

  end(): void {
    this.#assertOpen()
  }

  async flush(): Promise<void> {
    while (this.#writing !== undefined) await this.#writing.done
    const layer = this.#gathered
    if (layer.entries.size === 0) return
    this.#gathered = new Layer()
    this.#gatheredBytes = 0
    const done = this.#write(layer)
    this.#writing = { layer, done }
    try {
      await done
    } finally {
      this.#writing = undefined
    }
  }
}
