import type { StateMeta } from '@instar/core'
import { deleteOtherDirectories } from '../directory/directories.js'
import type { HostLog } from '../host-runtime.js'
import { Layer } from '../state/layer.js'
import type { Store } from '../state/store.js'
import { deleteOtherSpaces, spacesOf } from './spaces.js'

export interface LeftOversInit {
  readonly store: Store
  readonly directory: string
  /** The record as it is now, which may not be on disk yet. */
  readonly meta: () => StateMeta
  /** Whether a build is under way in this space, which no record names yet. */
  readonly isBuilding: (space: string) => boolean
  readonly log: HostLog
}

/**
 * Deletes states that nothing needs any more, in the background. A space goes when the record on disk does not name it: one that the record
 * in memory has given up stays until that is written, or a kill in between would leave a record of a state that is gone.
 */
export class LeftOvers {
  readonly #init: LeftOversInit
  readonly #stopping = new AbortController()
  /** What a record on disk may name. */
  #named: Set<string>
  #done: Promise<unknown> = Promise.resolve()
  #runs = 0

  constructor(init: LeftOversInit) {
    this.#init = init
    this.#named = new Set(spacesOf(init.meta()))
  }

  get underWay(): boolean {
    return this.#runs > 0
  }

  /** The record has changed: what it names stays. */
  changed(): void {
    for (const space of spacesOf(this.#init.meta())) this.#named.add(space)
  }

  /** One run after the other. */
  clean(): void {
    this.#runs++
    this.#done = this.#done
      .then(() => this.#clean())
      .catch((error: unknown) =>
        this.#init.log.warn({ err: error }, 'old states could not be deleted; the next start tries again')
      )
      .finally(() => this.#runs--)
  }

  async stop(): Promise<void> {
    this.#stopping.abort()
    await this.#done
  }

  async #clean(): Promise<void> {
    const { store, directory, meta, isBuilding } = this.#init
    const { signal } = this.#stopping
    const before = this.#named
    this.#named = new Set(spacesOf(meta()))
    await new Promise<void>(resolve => store.commit(new Layer(), resolve, () => this.#keep(before, resolve)))
    const isNamed = (space: string): boolean => this.#named.has(space) || isBuilding(space)
    await deleteOtherSpaces(store.db, isNamed, {
      signal,
      pause: nextTurn,
      aside: write => store.aside(write)
    })
    await deleteOtherDirectories(directory, isNamed, signal)
  }

  /** What is on disk is unknown. */
  #keep(before: ReadonlySet<string>, then: () => void): void {
    for (const space of before) this.#named.add(space)
    then()
  }
}

function nextTurn(): Promise<void> {
  return new Promise(resolve => setImmediate(resolve))
}
