import { messageOf } from '@instar/core'
import { BuildBeside, type BuildLimits } from '../build/build-beside.js'
import { groundOfTwin } from '../build/ground.js'
import { nameOf, type FacadeCode } from '../call/facade.js'
import type { Deadlines } from '../call/deadlines.js'
import type { Lane } from '../call/lane.js'
import type { Simulations } from '../call/simulations.js'
import type { BuildProgress, HostRuntimeInit, SimulationFailed } from '../host-runtime.js'
import { unbuildable } from '../open/database.js'
import { initialState } from '../open/initial-state.js'
import { machineFaultIn } from '../open/machine-fault.js'
import { putMeta } from '../open/meta.js'
import { notesPrefixOf, prefixOf, spaceNamer } from '../open/spaces.js'
import type { Layer } from '../state/layer.js'
import type { Store } from '../state/store.js'

export interface TwinBuildsInit {
  readonly store: Store
  /** Of the state, for messages. */
  readonly directory: string
  readonly lane: Lane
  readonly deadlines: Deadlines
  readonly simulations: Simulations
  readonly limits: BuildLimits
  readonly random: HostRuntimeInit['random']
  readonly calls: () => number
  readonly onProgress: (progress: BuildProgress) => void
  readonly onBuilt: (revision: number) => void
  readonly onFailed: (failed: SimulationFailed) => void
}

/**
 * Brings every future twin of the plan into service, the nearest to the object first: each is built from the one that it stands on. What a
 * killed process has built is left over, and the next one begins anew (R13).
 */
export class TwinBuilds {
  readonly #init: TwinBuildsInit
  readonly #stopping = new AbortController()
  /** Of the build under way: no left-overs, although no record names them. */
  #spaces: readonly string[] = []
  #done: Promise<void> = Promise.resolve()
  #isUnderWay = false

  constructor(init: TwinBuildsInit) {
    this.#init = init
  }

  /** Revisions of twins that are not served yet. */
  get building(): readonly number[] {
    return [...this.#init.simulations.chain.building]
  }

  isBuilding(space: string): boolean {
    return this.#spaces.includes(space)
  }

  /** Also after one has failed: what is not served is built again. */
  start(): void {
    if (this.#isUnderWay || this.building.length === 0) return
    this.#isUnderWay = true
    this.#done = this.#buildAll().finally(() => (this.#isUnderWay = false))
  }

  /** Revisions of twins that are being built just now. */
  get underWay(): readonly number[] {
    return this.#isUnderWay ? this.building : []
  }

  /** Resolves when every twin is served, or one has failed. */
  get settled(): Promise<void> {
    return this.#done
  }

  /** Resolves when nothing of it runs any more. */
  async stop(): Promise<void> {
    this.#stopping.abort(new Error('the host stops'))
    await this.#done
  }

  async #buildAll(): Promise<void> {
    const { simulations, onBuilt, onFailed } = this.#init
    for (const each of simulations.code.future) {
      if (!simulations.chain.building.has(each.revision)) continue
      if (each.model !== 'twin') return
      try {
        await this.#build(each)
      } catch (error) {
        if (this.#stopping.signal.aborted) return
        onFailed(this.#failureOf(each, error))
        return
      }
      onBuilt(each.revision)
    }
  }

  #failureOf(twin: FacadeCode, error: unknown): SimulationFailed {
    const { revision } = twin
    const fault = machineFaultIn(error)
    if (fault === undefined)
      return { revision, role: 'future', cause: bounded(`${nameOf(twin)} cannot be introduced: ${messageOf(error)}`) }
    const { code, message } = unbuildable(fault, this.#init.directory)
    return {
      revision,
      role: 'future',
      cause: bounded(`${nameOf(twin)} cannot be introduced now: ${message}`),
      machine: code
    }
  }

  async #build(twin: FacadeCode): Promise<void> {
    const { store, lane, simulations, random, onProgress } = this.#init
    const { revision } = twin
    const mapping = simulations.code.mappings.get(revision)
    const old = this.#delegateOf(revision)
    if (mapping === undefined || old === undefined) throw new Error('what it stands on is not served')
    const space = spaceNamer(simulations.meta.generation + 1, random)('future', revision)
    const prefixes = { old, new: prefixOf(space), notes: notesPrefixOf(space) }
    this.#spaces = [space, `${space}.notes`]
    const build = new BuildBeside({
      ...this.#init,
      ground: groundOfTwin(mapping, prefixes, await initialState(store.db, twin.initialize, prefixes.new)),
      signal: this.#stopping.signal,
      onProgress: progress => onProgress({ revision, ...progress })
    })
    try {
      await build.catchUp()
      // Alone to its end: when it is over, every command casts its shadow on the new state.
      await lane.alone(async () => {
        this.#stopping.signal.throwIfAborted()
        await this.#finish(revision, space, await build.lastRound())
      })
    } finally {
      build.end()
      this.#spaces = []
    }
  }

  /** Where the state is that a twin is built from. */
  #delegateOf(revision: number): string | undefined {
    const { code, chain } = this.#init.simulations
    const at = code.future.findIndex(each => each.revision === revision)
    const delegate = code.future[at - 1] ?? code.object
    return chain.facades.get(delegate.revision)?.prefix
  }

  /** The state with its last writes and the record that names it, in one batch; from then on it is served and told of every command. */
  async #finish(revision: number, space: string, last: Layer): Promise<void> {
    const { store, simulations } = this.#init
    if (this.#delegateOf(revision) === undefined) throw new Error('what it stands on is not served any more')
    const { meta } = simulations
    const future = { ...meta.spaces.future, [String(revision)]: space }
    const completed = { ...meta, generation: meta.generation + 1, spaces: { ...meta.spaces, future } }
    putMeta(last, { className: simulations.className, meta: completed })
    await store.commitDurably(last)
    simulations.complete(completed)
  }
}

function bounded(cause: string): string {
  return cause.slice(0, 500)
}
