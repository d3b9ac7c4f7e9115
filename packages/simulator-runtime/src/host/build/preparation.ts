import { messageOf, type StateMeta, type UpgradeStep } from '@instar/core'
import type { Deadlines } from '../call/deadlines.js'
import type { Lane } from '../call/lane.js'
import type { Simulations } from '../call/simulations.js'
import type { BuildProgress, HostLog, HostRuntimeInit } from '../host-runtime.js'
import type { StepCode } from '../open/load-code.js'
import { putMeta } from '../open/meta.js'
import { spaceNamer } from '../open/spaces.js'
import { groundOf } from '../open/take-step.js'
import type { Store } from '../state/store.js'
import { BuildBeside, type BuildLimits } from './build-beside.js'

export interface PreparationInit {
  readonly store: Store
  readonly lane: Lane
  readonly deadlines: Deadlines
  readonly simulations: Simulations
  readonly limits: BuildLimits
  readonly random: HostRuntimeInit['random']
  readonly calls: () => number
  readonly log: HostLog
  readonly onProgress: (progress: BuildProgress) => void
  readonly step: UpgradeStep
  readonly code: StepCode
}

/** Between two looks at what has changed, once all is built. */
const lookAgainMs = 20

/**
 * Takes a transform by entries in the process that serves, before callers wait (§8): all but the last changes. When the process closes its
 * state, it builds those too and says so in the record; the next process then finds the new state there. A peer that gives the upgrade up
 * lets go of it with {@link abandon}; a process that is killed leaves no such record, and the transform is made in the pause.
 */
export class Preparation {
  readonly #init: PreparationInit
  readonly #made: { readonly object: string; readonly past: string }
  /** Of the states that are being built from: what is built is of no use once others serve. */
  readonly #spaces: StateMeta['spaces']
  readonly #stopping = new AbortController()
  readonly #build: Promise<BuildBeside>
  readonly #caughtUp: Promise<void>
  /** Ends when {@link finish} or {@link abandon} is called; rejects when what is built cannot be used. */
  readonly #kept: Promise<void>
  #isReady = false
  #isFinishing = false

  constructor(init: PreparationInit) {
    const { simulations, step, random } = init
    const name = spaceNamer(simulations.meta.generation + 1, random)
    this.#init = init
    this.#made = { object: name('object', step.toRevision), past: name('past', step.fromRevision) }
    this.#spaces = simulations.meta.spaces
    this.#build = this.#begin()
    this.#caughtUp = this.#build.then(build => build.catchUp())
    this.#kept = this.#keepUp()
    // It is looked at when the process closes.
    this.#kept.catch(() => undefined)
  }

  /** Resolves when little is left to do. Rejects with one sentence when the state cannot be built so, or with why it was given up. */
  get ready(): Promise<void> {
    return this.#caughtUp
  }

  /** Whether it goes on and is for this step. */
  isFor({ chainId }: UpgradeStep): boolean {
    return chainId === this.#init.step.chainId && !this.#stopping.signal.aborted
  }

  isBuilding(space: string): boolean {
    const { object, past } = this.#made
    return space === object || space === past || space === `${object}.notes`
  }

  /** What it has built is left over. Resolves when nothing of it runs any more. */
  async abandon(): Promise<void> {
    this.#stopping.abort(new Error('the upgrade was given up'))
    await this.#kept.catch(() => undefined)
    await this.#build.then(
      build => build.end(),
      () => undefined
    )
  }

  /** The last round, and the record that says so. To be called when no call runs any more, nor will. */
  async finish(): Promise<void> {
    const { store, simulations, step, log } = this.#init
    this.#isFinishing = true
    try {
      if (!this.#isReady) throw new Error('it was not complete')
      await this.#kept
      if (simulations.meta.spaces !== this.#spaces) throw new Error('a simulation object was withdrawn meanwhile')
      const last = await (await this.#build).lastRound()
      const prepared = { chainId: step.chainId, ...this.#made }
      putMeta(last, { className: simulations.className, meta: { ...simulations.meta, prepared } })
      await store.commitDurably(last)
    } catch (error) {
      log.warn({ to: step.to }, `what was built before the upgrade is not used: ${messageOf(error)}`)
    } finally {
      await this.abandon()
    }
  }

  async #begin(): Promise<BuildBeside> {
    const { store, code, step, onProgress } = this.#init
    const { entries } = code
    if (entries === undefined) throw new TypeError('the transform is not by entries')
    return new BuildBeside({
      ...this.#init,
      ground: await groundOf(store.db, { ...code, entries }, step, this.#spaces, this.#made),
      signal: this.#stopping.signal,
      onProgress: progress => onProgress({ revision: step.toRevision, ...progress })
    })
  }

  /** A round under way is not broken off when the process closes: what it has taken on would be lost. */
  async #keepUp(): Promise<void> {
    await this.#caughtUp
    this.#isReady = true
    const build = await this.#build
    while (!this.#isFinishing) {
      await new Promise(resolve => setTimeout(resolve, lookAgainMs))
      this.#stopping.signal.throwIfAborted()
      await build.catchUp()
    }
  }
}
