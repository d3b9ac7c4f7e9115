import { withinSpace } from '../open/spaces.js'
import type { Access } from '../state/access.js'
import type { ByteKey } from '../state/layer.js'
import type { BuildAccess } from './build-access.js'
import type { Ground } from './ground.js'
import { pathOf } from './mapped-entry.js'

export interface MappingRunInit {
  readonly ground: Ground
  /** The newest value in the states that are mapped. */
  readonly read: (key: ByteKey) => Buffer | undefined
  readonly built: BuildAccess
}

/** Two entries write one key of a new state: which of them counts would be chance. */
export class MappingConflict extends Error {
  /** @param owner the other entry's key */
  constructor(
    readonly owner: ByteKey,
    readonly key: ByteKey
  ) {
    super(`the entries ${shown(owner)} and ${shown(key)} write the same key of the new state`)
  }
}

const readsMax = 1_000_000

/**
 * An author's function and who owns what it wrote (§8). An entry's writes can so be taken back and made anew when it changes. Most entries
 * write one key, their home; only what is otherwise is noted: `k!` lists an entry's writes, `o!` names the owner of a key that is not its
 * home.
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
    const { built, ground } = this.#init
    const home = ground.homeOf(key)
    const writes = await this.#ask(key, value)
    for (const written of writes.keys()) this.#assertFree(written, key, isMapped)
    for (const [written, bytes] of writes) {
      built.gather(written, bytes)
      if (written !== home) this.#note(`o!${written}`, Buffer.from(key, 'latin1'))
    }
    if (home !== undefined && writes.size === 1 && writes.has(home)) {
      if (this.#noted && this.#notes(`k!${key}`) !== undefined) this.#note(`k!${key}`, null)
    } else this.#note(`k!${key}`, Buffer.from(JSON.stringify([...writes.keys()])))
  }

  /** Takes back what an entry has written. */
  retract(key: ByteKey): void {
    const { built, ground } = this.#init
    const home = ground.homeOf(key)
    for (const written of this.#writesOf(key)) {
      if (written === home && this.#ownerOf(written) !== undefined) continue
      built.gather(written, ground.initial.get(written) ?? null)
      if (written !== home) this.#note(`o!${written}`, null)
    }
    this.#note(`k!${key}`, Buffer.from('[]'))
  }

  async #ask(key: ByteKey, value: Buffer): Promise<Map<ByteKey, Buffer>> {
    const { ground, read } = this.#init
    const writes = new Map<ByteKey, Buffer>()
    let isOver = false
    const assertOpen = (): void => {
      if (isOver) throw new TypeError('the mapping of this entry is over')
    }
    const old: Access = {
      ...byKeyOnly,
      read: other => {
        assertOpen()
        this.#remember(other, key)
        return read(other)
      }
    }
    const made: Access = {
      ...byKeyOnly,
      write: (written, bytes) => {
        assertOpen()
        if (bytes === null) throw new TypeError('a mapping only puts: what it does not write is not there')
        writes.set(written, bytes)
      }
    }
    try {
      await ground.apply(key, value, { old, made })
    } finally {
      isOver = true
    }
    return writes
  }

  #remember(read: ByteKey, reader: ByteKey): void {
    if (this.#init.ground.besideOf(reader) === read) return
    const readers = this.#readers.get(read) ?? new Set()
    if (readers.has(reader)) return
    if (++this.#reads > readsMax) throw new RangeError(`the mapping reads more than ${readsMax} other entries`)
    readers.add(reader)
    this.#readers.set(read, readers)
  }

  #assertFree(written: ByteKey, key: ByteKey, isMapped: (key: ByteKey) => boolean): void {
    const { read, ground } = this.#init
    const owner = this.#ownerOf(written)
    if (owner !== undefined && owner !== key) throw new MappingConflict(owner, key)
    if (owner === key || written === ground.homeOf(key)) return
    const resident = ground.sourceOf(written)
    if (resident === undefined || !isMapped(resident) || read(resident) === undefined) return
    if (this.#writesOf(resident).includes(written)) throw new MappingConflict(resident, key)
  }

  /** Of an entry that was mapped. */
  #writesOf(key: ByteKey): readonly ByteKey[] {
    const noted = this.#noted ? this.#notes(`k!${key}`) : undefined
    if (noted !== undefined) return JSON.parse(noted.toString()) as ByteKey[]
    const home = this.#init.ground.homeOf(key)
    return home === undefined ? [] : [home]
  }

  /** Of a key that was written by another entry than the one whose home it is. */
  #ownerOf(written: ByteKey): ByteKey | undefined {
    return this.#noted ? this.#notes(`o!${written}`)?.toString('latin1') : undefined
  }

  #notes(key: ByteKey): Buffer | undefined {
    return this.#init.built.read(this.#init.ground.notes + key)
  }

  #note(key: ByteKey, value: Buffer | null): void {
    this.#noted = true
    this.#init.built.gather(this.#init.ground.notes + key, value)
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
  const { names, rest } = pathOf(withinSpace(key))
  return JSON.stringify([...names, Buffer.from(rest, 'latin1').toString('utf8')].join('/'))
}
