import type { Mapping, MappingReads, MappingStates, MappingWrites } from '../../definition/twin.js'
import type { BuildAccess } from '../open/build-access.js'
import type { Access } from '../state/access.js'
import type { ByteKey, Layer } from '../state/layer.js'
import { View } from '../state/view.js'
import { EntryOfState, pathOf } from './mapped-entry.js'

export interface MappingRunInit {
  readonly mapping: Mapping
  /** The newest value in the old state. */
  readonly read: (key: ByteKey) => Buffer | undefined
  readonly built: BuildAccess
  readonly prefixes: {
    readonly old: ByteKey
    readonly new: ByteKey
    /** Where it is noted who wrote what; of no use once the state is complete. */
    readonly notes: ByteKey
  }
  /** What the new class begins with, under whole keys: what an entry gives up becomes that again. */
  readonly initial: Layer
}

/** Two entries of the old state write one key of the new one: which of them counts would be chance. */
export class MappingConflict extends Error {
  /** @param owner the other entry's key in the old state */
  constructor(
    readonly owner: ByteKey,
    readonly key: ByteKey
  ) {
    super(`the entries ${shown(owner)} and ${shown(key)} write the same key of the new state`)
  }
}

const readsMax = 1_000_000

/**
 * A mapping function and who owns what it wrote (§8). An entry's writes can so be taken back and made anew when it changes. Most entries
 * write one key, their own; only what is otherwise is noted: `k!` lists an entry's writes, `o!` names the owner of a key that is another's.
 *
 * Keys are meant within the old and the new state.
 */
export class MappingRun {
  readonly #init: MappingRunInit
  /** Which entries have read a key. */
  readonly #readers = new Map<ByteKey, Set<ByteKey>>()
  #reads = 0
  /** Owners were noted at least once: else nobody has to be looked for. */
  #noted = false

  constructor(init: MappingRunInit) {
    this.#init = init
  }

  /** Whose writes depend on this entry too. */
  readersOf(key: ByteKey): ReadonlySet<ByteKey> {
    return this.#readers.get(key) ?? noReaders
  }

  /**
   * Writes what an entry amounts to; it owns nothing yet, or not any more.
   *
   * @param isMapped whether an entry has been mapped before
   * @throws MappingConflict before anything is written, and whatever the mapping function throws
   */
  async map(key: ByteKey, value: Buffer, isMapped: (key: ByteKey) => boolean): Promise<void> {
    const { built, prefixes } = this.#init
    const writes = await this.#ask(key, value)
    for (const written of writes.keys()) this.#assertFree(written, key, isMapped)
    for (const [written, bytes] of writes) {
      built.gather(prefixes.new + written, bytes)
      if (written !== key) this.#note(`o!${written}`, Buffer.from(key, 'latin1'))
    }
    if (writes.size === 1 && writes.has(key)) {
      if (this.#noted && this.#notes(`k!${key}`) !== undefined) this.#note(`k!${key}`, null)
    } else this.#note(`k!${key}`, Buffer.from(JSON.stringify([...writes.keys()])))
  }

  /** Takes back what an entry has written. */
  retract(key: ByteKey): void {
    const { built, prefixes, initial } = this.#init
    for (const written of this.#writesOf(key)) {
      const whole = prefixes.new + written
      if (written === key && this.#ownerOf(key) !== undefined) continue
      built.gather(whole, initial.get(whole) ?? null)
      if (written !== key) this.#note(`o!${written}`, null)
    }
    this.#note(`k!${key}`, Buffer.from('[]'))
  }

  async #ask(key: ByteKey, value: Buffer): Promise<Map<ByteKey, Buffer>> {
    const { mapping, read, prefixes } = this.#init
    const writes = new Map<ByteKey, Buffer>()
    let isOver = false
    const assertOpen = (): void => {
      if (isOver) throw new TypeError('the mapping of this entry is over')
    }
    const old: Access = {
      ...byKeyOnly,
      read: other => {
        assertOpen()
        this.#remember(other.slice(prefixes.old.length), key)
        return read(other)
      }
    }
    const made: Access = {
      ...byKeyOnly,
      write: (whole, bytes) => {
        assertOpen()
        if (bytes === null) throw new TypeError('a mapping only puts: what it does not write is not there')
        writes.set(whole.slice(prefixes.new.length), bytes)
      }
    }
    const states: MappingStates = {
      oldState: new View(old, prefixes.old) as MappingReads,
      newState: new View(made, prefixes.new) as MappingWrites
    }
    try {
      await mapping(new EntryOfState(key, value), states)
    } finally {
      isOver = true
    }
    return writes
  }

  #remember(read: ByteKey, reader: ByteKey): void {
    const readers = this.#readers.get(read) ?? new Set()
    if (readers.has(reader)) return
    if (++this.#reads > readsMax) throw new RangeError(`the mapping reads more than ${readsMax} other entries`)
    readers.add(reader)
    this.#readers.set(read, readers)
  }

  #assertFree(written: ByteKey, key: ByteKey, isMapped: (key: ByteKey) => boolean): void {
    const owner = this.#ownerOf(written)
    if (owner !== undefined && owner !== key) throw new MappingConflict(owner, key)
    if (written === key || owner === key) return
    const { read, prefixes } = this.#init
    const isTaken =
      isMapped(written) && read(prefixes.old + written) !== undefined && this.#writesOf(written).includes(written)
    if (isTaken) throw new MappingConflict(written, key)
  }

  /** Of an entry that was mapped. */
  #writesOf(key: ByteKey): readonly ByteKey[] {
    const noted = this.#noted ? this.#notes(`k!${key}`) : undefined
    return noted === undefined ? [key] : (JSON.parse(noted.toString()) as ByteKey[])
  }

  /** Of a key that was written by another entry than the one of the same key. */
  #ownerOf(written: ByteKey): ByteKey | undefined {
    return this.#noted ? this.#notes(`o!${written}`)?.toString('latin1') : undefined
  }

  #notes(key: ByteKey): Buffer | undefined {
    return this.#init.built.read(this.#init.prefixes.notes + key)
  }

  #note(key: ByteKey, value: Buffer | null): void {
    this.#noted = true
    this.#init.built.gather(this.#init.prefixes.notes + key, value)
  }
}

const noReaders: ReadonlySet<ByteKey> = new Set()

const byKeyOnly: Access = {
  read: () => {
    throw new TypeError('a mapping does not read the state that it builds')
  },
  write: () => {
    throw new TypeError('the state of before the upgrade is only read (R13)')
  },
  entries: () => {
    throw new TypeError('a mapping reads other entries by their keys, not in ranges')
  },
  begin: () => undefined,
  end: () => undefined
}

/** A key as people know it: its sublevels, then the key. */
export function shown(key: ByteKey): string {
  const { names, rest } = pathOf(key)
  return JSON.stringify([...names, Buffer.from(rest, 'latin1').toString('utf8')].join('/'))
}
