import type { Caches } from '../cache/caches.js'
import type { ReadLog } from '../cache/read-log.js'
import type { Access, EntrySource } from './access.js'
import { entriesOf, Layer, toBytes, type ByteKey, type KeyRange } from './layer.js'
import { mergedEntries, storedEntries } from './merged-entries.js'
import type { Epoch, Store } from './store.js'

/** Ends the use of a request's views; every later read or write throws what `error` makes. */
export abstract class Revocable {
  #over: (() => Error) | undefined
  /** Operations of several turns that are under way. */
  underWay = 0

  revoke(error: () => Error): void {
    this.#over ??= error
  }

  begin(): void {
    this.assertOpen()
    this.underWay++
  }

  end(): void {
    this.underWay--
  }

  protected assertOpen(): void {
    if (this.#over !== undefined) throw this.#over()
  }

  /** A source that stops when the request does. */
  protected guarded(source: EntrySource): EntrySource {
    return {
      next: count => {
        this.assertOpen()
        return source.next(count)
      },
      close: () => source.close()
    }
  }
}

/** One snapshot for the whole query, taken at its start (§9). */
export class QueryAccess extends Revocable implements Access {
  readonly #store: Store
  readonly #epoch: Epoch

  constructor(store: Store) {
    super()
    this.#store = store
    this.#epoch = store.acquire()
  }

  read(key: ByteKey): Buffer | undefined {
    this.assertOpen()
    const snapshot = this.#epoch.snapshot
    return this.#store.db.getSync(toBytes(key), snapshot === undefined ? {} : { snapshot })
  }

  write(): void {
    this.assertOpen()
    throw new TypeError('a query cannot change state: make the method a command')
  }

  entries(range: KeyRange, reverse: boolean, limit: number): EntrySource {
    this.assertOpen()
    return this.guarded(storedEntries(this.#store.db, range, { reverse, limit, snapshot: this.#epoch.snapshot }))
  }

  get caches(): Caches {
    return this.#store.caches
  }

  /** Of the snapshot, as {@link Caches} counts. */
  get version(): number {
    return this.#epoch.version
  }

  readonly changes = 0

  hidesFrom(): boolean {
    return false
  }

  /** Once, at the query's end. */
  release(): void {
    this.#store.release(this.#epoch)
  }
}

const none = new Layer()

interface Undo {
  readonly key: ByteKey
  readonly before: Buffer | null | undefined
}

/** A command's own writes over what earlier commands left, committed or not (§9). */
export class CommandAccess extends Revocable implements Access {
  readonly layer = new Layer()
  readonly #store: Store
  /** Counts what has changed the overlay. */
  changes = 0
  /** What nested calls have overwritten, so that one that fails leaves nothing behind. Absent while there are none. */
  #undo: Undo[] | undefined

  constructor(store: Store) {
    super()
    this.#store = store
  }

  get caches(): Caches {
    return this.#store.caches
  }

  /** Of what earlier commands left: nothing else commits while a command runs. */
  get version(): number {
    return this.#store.caches.version
  }

  hidesFrom(reads: ReadLog): boolean {
    return reads.touchedBy(this.layer)
  }

  read(key: ByteKey): Buffer | undefined {
    this.assertOpen()
    const own = this.layer.get(key)
    return own === undefined ? this.#store.read(key) : (own ?? undefined)
  }

  write(key: ByteKey, value: Buffer | null): void {
    this.assertOpen()
    this.changes++
    this.#undo?.push({ key, before: this.layer.get(key) })
    this.layer.entries.set(key, value)
  }

  entries(range: KeyRange, reverse: boolean, limit: number): EntrySource {
    return this.entriesUnder(none, range, reverse, limit)
  }

  /** Where {@link rollBack} can return to. */
  mark(): number {
    this.#undo ??= []
    return this.#undo.length
  }

  /** Takes back what was written since the mark, but under the given prefixes. */
  rollBack(mark: number, kept: readonly ByteKey[]): void {
    this.changes++
    const undo = this.#undo ?? []
    for (const { key, before } of undo.slice(mark).reverse()) {
      if (kept.some(prefix => key.startsWith(prefix))) continue
      if (before === undefined) this.layer.entries.delete(key)
      else this.layer.entries.set(key, before)
    }
  }

  /** What lay, at the mark, under the keys that were written since. */
  asOf(mark: number): Layer {
    const then = new Layer()
    for (const { key, before } of (this.#undo ?? []).slice(mark)) {
      if (then.get(key) !== undefined) continue
      then.entries.set(key, before === undefined ? (this.#store.read(key) ?? null) : before)
    }
    return then
  }

  /** As {@link entries}, under one more layer. */
  entriesUnder(top: Layer, range: KeyRange, reverse: boolean, limit: number): EntrySource {
    this.assertOpen()
    const writes = entriesOf([...this.#store.layers(), this.layer, top], range, reverse)
    const stored = storedEntries(this.#store.db, range, { reverse, limit: writes.length === 0 ? limit : -1 })
    return this.guarded(writes.length === 0 ? stored : mergedEntries(stored, writes, reverse))
  }
}

/** A command's access in the hands of a shadow: taken back when the shadow's time is over, while the command goes on (P2). */
export class ShadowAccess extends Revocable implements Access {
  readonly #lender: CommandAccess

  constructor(lender: CommandAccess) {
    super()
    this.#lender = lender
  }

  read(key: ByteKey): Buffer | undefined {
    this.assertOpen()
    return this.#lender.read(key)
  }

  write(key: ByteKey, value: Buffer | null): void {
    this.assertOpen()
    this.#lender.write(key, value)
  }

  entries(range: KeyRange, reverse: boolean, limit: number): EntrySource {
    this.assertOpen()
    return this.guarded(this.#lender.entries(range, reverse, limit))
  }
}

/** The state in the middle of a command, to be read only: as it is, or as it was at a mark. */
export class ViewAccess extends Revocable implements Access {
  readonly #command: CommandAccess
  readonly #mark: number | undefined
  #then: Layer | undefined

  constructor(command: CommandAccess, mark?: number) {
    super()
    this.#command = command
    this.#mark = mark
  }

  read(key: ByteKey): Buffer | undefined {
    this.assertOpen()
    const then = this.#asOfMark()?.get(key)
    return then === undefined ? this.#command.read(key) : (then ?? undefined)
  }

  write(): void {
    this.assertOpen()
    throw new TypeError('a view of a delegate is only read (§7)')
  }

  entries(range: KeyRange, reverse: boolean, limit: number): EntrySource {
    this.assertOpen()
    const then = this.#asOfMark()
    return this.guarded(
      then === undefined
        ? this.#command.entries(range, reverse, limit)
        : this.#command.entriesUnder(then, range, reverse, limit)
    )
  }

  /** Made when it is first needed: nobody else writes while a shadow runs. */
  #asOfMark(): Layer | undefined {
    if (this.#mark !== undefined) this.#then ??= this.#command.asOf(this.#mark)
    return this.#then
  }
}
