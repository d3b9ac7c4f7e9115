import { messageOf } from '@instar/core'
import type { Mapping } from '../../definition/twin.js'
import type { Deadlines } from '../call/deadlines.js'
import type { Lane } from '../call/lane.js'
import { BuildAccess } from '../open/build-access.js'
import type { ByteKey, Layer } from '../state/layer.js'
import { CommandAccess } from '../state/request-access.js'
import type { Store } from '../state/store.js'
import { afterPrefix } from '../state/view.js'
import { MappingConflict, MappingRun, shown } from './mapping-run.js'

export interface BuildBesideInit {
  readonly store: Store
  readonly lane: Lane
  readonly deadlines: Deadlines
  readonly mapping: Mapping
  readonly initial: Layer
  readonly prefixes: { readonly old: ByteKey; readonly new: ByteKey; readonly notes: ByteKey }
  readonly limits: BuildLimits
  /** Grows with every call: while nobody calls, the build takes what time there is. */
  readonly calls: () => number
  readonly signal: AbortSignal
  readonly onProgress: (progress: { readonly entries: number; readonly dirty: number }) => void
  /** Runs alone, with the last writes of the build: writes them, and lets the state be served. */
  readonly finish: (last: Layer) => Promise<void>
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
/** While calls come, the pause after a slice is so many times as long as the slice was. */
const restFactor = 4
const entriesAtOnce = 64
/** Above every key, whose characters are bytes. */
const lastKey: ByteKey = '\u0100'

/**
 * Builds a twin's state beside the version that serves (§8): every entry once in order of keys, in slices between commands, then what has
 * changed meanwhile in rounds, until so little is left that it is done alone. What changed is remembered by key and not as a log: the value
 * of the moment counts.
 */
export class BuildBeside {
  readonly #init: BuildBesideInit
  readonly #run: MappingRun
  readonly #built: BuildAccess
  readonly #dirty = new Set<ByteKey>()
  /** In the old state; everything up to it has been mapped. */
  #cursor: ByteKey | undefined
  #entries = 0
  #over: Error | undefined

  constructor(init: BuildBesideInit) {
    const { store, mapping, prefixes, initial } = init
    this.#init = init
    this.#built = new BuildAccess(store.db, () => {
      if (this.#over !== undefined) throw this.#over
    })
    this.#run = new MappingRun({ mapping, read: key => store.read(key), built: this.#built, prefixes, initial })
  }

  /** Resolves when the state is served; rejects with one sentence when it cannot be built, or with the signal's reason. */
  async build(): Promise<void> {
    const { store, signal } = this.#init
    const leave = store.onCommit(layer => this.#changed(layer))
    try {
      for (const [key, value] of this.#init.initial.entries) this.#built.gather(key, value)
      let isComplete = false
      while (!isComplete) isComplete = await this.#slice(until => this.#nextEntries(until))
      for (let round = 0; this.#dirty.size > this.#init.limits.buildLastRoundMax && round < roundsMax; round++) {
        const keys = this.#take()
        for (let at = 0; at < keys.length;)
          at = await this.#slice(until => Promise.resolve(this.#retract(keys, at, until)))
        for (let at = 0; at < keys.length;) at = await this.#slice(until => this.#again(keys, at, until, false))
      }
      await this.#built.flush()
      await this.#alone(() => this.#lastRound())
    } catch (error) {
      signal.throwIfAborted()
      throw new Error(`its state cannot be built: ${messageOf(error)}`, { cause: error })
    } finally {
      leave()
      this.#over = new TypeError('the state has been built')
    }
  }

  /** What commands of the old version have just left. */
  #changed(layer: Layer): void {
    const { old } = this.#init.prefixes
    for (const whole of layer.entries.keys()) {
      if (!whole.startsWith(old)) continue
      const key = whole.slice(old.length)
      if (this.#isMapped(key)) this.#dirty.add(key)
      for (const reader of this.#run.readersOf(key)) this.#dirty.add(reader)
    }
  }

  readonly #isMapped = (key: ByteKey): boolean => this.#cursor !== undefined && key <= this.#cursor

  #take(): readonly ByteKey[] {
    const keys = [...this.#dirty]
    this.#dirty.clear()
    return keys
  }

  /** The first pass. Whether it has come to its end. */
  async #nextEntries(until: number): Promise<boolean> {
    const { store, prefixes } = this.#init
    const first = this.#cursor === undefined
    const range = {
      lower: prefixes.old + (this.#cursor ?? ''),
      lowerInside: first,
      upper: afterPrefix(prefixes.old),
      upperInside: false
    }
    const source = new CommandAccess(store).entries(range, false, -1)
    try {
      for (;;) {
        const part = await source.next(entriesAtOnce)
        if (part.length === 0) {
          // Whatever comes now comes behind it.
          this.#cursor = lastKey
          return true
        }
        for (const [whole, value] of part) {
          const key = whole.slice(prefixes.old.length)
          await this.#map(key, value, false)
          this.#cursor = key
          this.#entries++
          if (performance.now() >= until) return false
        }
      }
    } finally {
      await source.close()
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
      const value = this.#init.store.read(this.#init.prefixes.old + key)
      if (value !== undefined) await this.#map(key, value, isLast)
    } while (at < keys.length && performance.now() < until)
    return at
  }

  async #map(key: ByteKey, value: Buffer, isLast: boolean): Promise<void> {
    try {
      await this.#run.map(key, value, this.#isMapped)
    } catch (error) {
      // Its owner has changed and has not given it up yet: both come in the next round.
      if (!isLast && error instanceof MappingConflict && this.#dirty.has(error.owner)) this.#dirty.add(key)
      else if (error instanceof MappingConflict) throw error
      else throw new Error(`the mapping of ${shown(key)} failed: ${messageOf(error)}`, { cause: error })
    }
  }

  /** Alone to its end: when it is over, every command casts its shadow on the new state. */
  async #lastRound(): Promise<void> {
    const keys = this.#take()
    if (keys.length > 0) {
      this.#retract(keys, 0, Infinity)
      await this.#inTime(this.#again(keys, 0, Infinity, true))
    }
    await this.#init.finish(this.#built.take())
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
    onProgress({ entries: this.#entries, dirty: this.#dirty.size })
    await pause(calls() === before ? 0 : tookMs * restFactor)
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

function pause(ms: number): Promise<void> {
  return new Promise(resolve => (ms < 1 ? setImmediate(resolve) : setTimeout(resolve, ms)))
}
