import { messageOf } from '@instar/core'
import type { Deadlines } from '../call/deadlines.js'
import type { Lane } from '../call/lane.js'
import type { ByteKey, Layer } from '../state/layer.js'
import { CommandAccess } from '../state/request-access.js'
import { toOperations, type Store } from '../state/store.js'
import { afterPrefix } from '../state/view.js'
import { BuildAccess } from './build-access.js'
import { BuildGauge, type BuildState } from './build-gauge.js'
import { Cursor } from './cursor.js'
import type { Ground } from './ground.js'
import { MappingConflict, MappingRun, shown } from './mapping-run.js'
import { rest, restFactor } from './rest.js'

export interface BuildBesideInit {
  readonly store: Store
  readonly lane: Lane
  readonly deadlines: Deadlines
  readonly ground: Ground
  readonly limits: BuildLimits
  /** Grows with every call: while nobody calls, the build takes what time there is. */
  readonly calls: () => number
  readonly signal: AbortSignal
  readonly onProgress: (progress: BuildState) => void
}

export interface BuildLimits {
  /** How long commands may have to wait for a slice. */
  readonly buildSliceMs: number
  /** As many changed entries are left for the last round, in which commands wait. */
  readonly buildLastRoundMax: number
  /** Time for one mapping function to answer: a slice that takes longer fails the build (P2). */
  readonly simulationMsMax: number
}

/** Rounds after which the last one is made however much is left: entries change faster than they are mapped. */
const roundsMax = 50
const entriesAtOnce = 64

/**
 * Builds a state beside the version that serves (§8): every entry once in order of keys, in slices between commands, then what has
 * changed meanwhile in rounds, until so little is left that it is done alone. What changed is remembered by key and not as a log: the value
 * of the moment counts. Whoever makes one lets go of it with {@link end}.
 */
export class BuildBeside {
  readonly #init: BuildBesideInit
  readonly #run: MappingRun
  readonly #built: BuildAccess
  readonly #dirty = new Set<ByteKey>()
  readonly #cursor: Cursor
  readonly #gauge: BuildGauge
  #entries = 0
  #bytes = 0
  #over: Error | undefined
  /** A read of another entry that failed: whatever the mapping makes of that, it has not seen what is there. */
  #unread: { readonly error: unknown } | undefined
  readonly #unsubscribe: () => void

  constructor(init: BuildBesideInit) {
    const { store, ground } = init
    this.#init = init
    this.#cursor = new Cursor(ground.sources)
    this.#gauge = new BuildGauge(store.db, ground.sources)
    const assertOpen = (): void => {
      if (this.#over !== undefined) throw this.#over
    }
    this.#built = new BuildAccess(store.db, assertOpen, layer =>
      store.aside(() => store.db.batch(toOperations(layer), { sync: true }))
    )
    this.#run = new MappingRun({ ground, read: key => this.#read(key), built: this.#built })
    for (const [key, value] of ground.initial.entries) this.#built.gather(key, value)
    this.#unsubscribe = store.onCommit(layer => this.#changed(layer))
  }

  /**
   * Resolves when all is built and on disk but the few entries that have changed meanwhile, which {@link lastRound} does. May be called
   * again. Rejects with one sentence when the state cannot be built, or with the signal's reason.
   */
  catchUp(): Promise<void> {
    return this.#explained(async () => {
      while (this.#cursor.source !== undefined) await this.#slice(until => this.#nextEntries(until))
      for (let round = 0; this.#dirty.size > this.#init.limits.buildLastRoundMax && round < roundsMax; round++) {
        const keys = this.#take()
        for (let at = 0; at < keys.length;)
          at = await this.#slice(until => Promise.resolve(this.#retract(keys, at, until)))
        for (let at = 0; at < keys.length;) at = await this.#slice(until => this.#again(keys, at, until, false))
      }
      await this.#built.flush()
    })
  }

  /**
   * The rest, after {@link catchUp}. To be called where no command runs, and none before what it gives is written: the last writes of the
   * state, which is complete with them.
   */
  lastRound(): Promise<Layer> {
    return this.#explained(async () => {
      const keys = this.#take()
      if (keys.length > 0) {
        this.#retract(keys, 0, Infinity)
        await this.#inTime(this.#again(keys, 0, Infinity, true))
      }
      return this.#built.take()
    })
  }

  end(): void {
    this.#unsubscribe()
    this.#over ??= new TypeError('the state has been built')
  }

  async #explained<T>(work: () => Promise<T>): Promise<T> {
    try {
      return await work()
    } catch (error) {
      this.#init.signal.throwIfAborted()
      throw new Error(`its state cannot be built: ${messageOf(error)}`, { cause: error })
    }
  }

  /** What commands have just left. */
  #changed(layer: Layer): void {
    for (const key of layer.entries.keys()) {
      const beside = this.#init.ground.besideOf(key)
      if (this.#cursor.isBehind(key)) this.#dirty.add(key)
      if (beside !== undefined && this.#cursor.isBehind(beside)) this.#dirty.add(beside)
      for (const reader of this.#run.readersOf(key)) this.#dirty.add(reader)
    }
  }

  #take(): readonly ByteKey[] {
    const keys = [...this.#dirty]
    this.#dirty.clear()
    return keys
  }

  /** The first pass, as far as time allows. */
  async #nextEntries(until: number): Promise<void> {
    const { last, source: prefix = '' } = this.#cursor
    const range = {
      lower: last ?? prefix,
      lowerInside: last === undefined,
      upper: afterPrefix(prefix),
      upperInside: false
    }
    const entries = new CommandAccess(this.#init.store).entries(range, false, -1)
    try {
      for (;;) {
        const part = await entries.next(entriesAtOnce)
        if (part.length === 0) {
          // Whatever comes now comes behind it.
          this.#cursor.next()
          return
        }
        for (const [key, value] of part) {
          await this.#map(key, value, false)
          this.#cursor.mapped(key)
          this.#entries++
          this.#bytes += key.length + value.length
          if (performance.now() >= until) return
        }
      }
    } finally {
      await entries.close()
    }
  }

  /** All of a round give up what they wrote before any of them writes again: a value may have moved from one to another. */
  #retract(keys: readonly ByteKey[], from: number, until: number): number {
    let at = from
    do this.#run.retract(keys[at++] ?? '')
    while (at < keys.length && performance.now() < until)
    return at
  }

  async #again(keys: readonly ByteKey[], from: number, until: number, isLast: boolean): Promise<number> {
    let at = from
    do {
      const key = keys[at++] ?? ''
      const value = this.#init.store.read(key)
      if (value !== undefined) await this.#map(key, value, isLast)
    } while (at < keys.length && performance.now() < until)
    return at
  }

  #read(key: ByteKey): Buffer | undefined {
    try {
      return this.#init.store.read(key)
    } catch (error) {
      this.#unread ??= { error }
      throw error
    }
  }

  async #map(key: ByteKey, value: Buffer, isLast: boolean): Promise<void> {
    try {
      await this.#run.map(key, value, this.#cursor.isBehind)
    } catch (error) {
      this.#assertRead()
      // Its owner has changed and has not given it up yet: both come in the next round.
      if (!isLast && error instanceof MappingConflict && this.#dirty.has(error.owner)) this.#dirty.add(key)
      else if (error instanceof MappingConflict) throw error
      else throw new Error(`the mapping of ${shown(key)} failed: ${messageOf(error)}`, { cause: error })
    }
    this.#assertRead()
  }

  #assertRead(): void {
    if (this.#unread !== undefined) throw this.#unread.error
  }

  /** A part of the work between two commands, what it wrote on its way to disk, and a pause. */
  async #slice<T>(work: (until: number) => Promise<T>): Promise<T> {
    const { limits, signal, calls, onProgress } = this.#init
    const before = calls()
    let tookMs = 0
    const result = await this.#alone(async () => {
      const begun = performance.now()
      const done = await this.#inTime(work(begun + limits.buildSliceMs))
      tookMs = performance.now() - begun
      return done
    })
    if (this.#built.isFull) await this.#built.flush()
    const gauged = await this.#gauge.look(this.#cursor)
    onProgress({ entries: this.#entries, bytes: this.#bytes, dirty: this.#dirty.size, ...gauged })
    await rest(tookMs, calls() === before ? 0 : restFactor)
    signal.throwIfAborted()
    return result
  }

  /** In the commands' lane. */
  #alone<T>(work: () => Promise<T>): Promise<T> {
    const { lane, signal } = this.#init
    return lane.alone(async () => {
      signal.throwIfAborted()
      return work()
    })
  }

  /** A mapping function that does not answer holds up commands no longer than a shadow may (P2). */
  #inTime<T>(work: Promise<T>): Promise<T> {
    const { deadlines, limits } = this.#init
    return deadlines.limit(work, limits.simulationMsMax, () => {
      this.#over = new Error(`its mapping took longer than ${limits.simulationMsMax} ms`)
      return this.#over
    })
  }
}
