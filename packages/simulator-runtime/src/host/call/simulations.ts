import type { StateMeta } from '@instar/core'
import type { SimulationFailed } from '../host-runtime.js'
import type { LoadedCode } from '../open/load-code.js'
import { putMeta } from '../open/meta.js'
import type { Layer } from '../state/layer.js'
import { chainOf, outwardOf, type Chain } from './chain.js'
import { revisionOf, type SimulationFailure } from './simulation-failure.js'

export interface SimulationsInit {
  readonly code: LoadedCode
  readonly className: string
  readonly meta: StateMeta
  /** The upgrade to the object can still go back: what it costs the old version, it must not cost (P2). */
  readonly onTrial: boolean
  readonly onFailed: (failed: SimulationFailed) => void
  /** Other façades serve from now on. */
  readonly onChange: () => void
}

/** What serves: the code, the record in the state that says which of it is the object, and whether that is final. */
export type Served = Pick<SimulationsInit, 'code' | 'className' | 'meta' | 'onTrial'>

/** What would serve without the simulation objects that a request has found to fail. */
export interface Without {
  readonly meta: StateMeta
  readonly chain: Chain
  readonly failures: readonly SimulationFailure[]
}

/**
 * Which façades serve. One that fails is withdrawn in the batch of the request that found out (§7): its space leaves `meta` there, so that no
 * later start serves from a state that has missed a call.
 */
export class Simulations {
  readonly #onFailed: (failed: SimulationFailed) => void
  readonly #onChange: () => void
  #served: Served
  #meta: StateMeta
  #chain: Chain

  constructor(init: SimulationsInit) {
    this.#onFailed = init.onFailed
    this.#onChange = init.onChange
    this.#served = init
    this.#meta = init.meta
    this.#chain = chainOf(init.code, init.meta)
    for (const [revision, { role, cause }] of this.#chain.withdrawn) this.#onFailed({ revision, role, cause })
  }

  get chain(): Chain {
    return this.#chain
  }

  get meta(): StateMeta {
    return this.#meta
  }

  get className(): string {
    return this.#served.className
  }

  get code(): LoadedCode {
    return this.#served.code
  }

  /** From now on this serves. Between two commands, and when its record is on disk. */
  serve(served: Served): void {
    this.#served = served
    this.#meta = served.meta
    this.#chain = chainOf(served.code, served.meta)
    this.#onChange()
  }

  /** The state of a twin is complete: it serves from now on. As {@link serve}. */
  complete(meta: StateMeta): void {
    this.serve({ ...this.#served, meta })
  }

  /** §7: on trial a past simulation object that fails leaves no effect on either side, and the peer goes back. */
  endsTrial(failure: SimulationFailure): boolean {
    return this.#served.onTrial && failure.facade.role === 'past' && !failure.untold
  }

  without(failures: readonly SimulationFailure[]): Without {
    const withdrawn = { past: { ...this.#meta.withdrawn?.past }, future: { ...this.#meta.withdrawn?.future } }
    const spaces = { past: { ...this.#meta.spaces.past }, future: { ...this.#meta.spaces.future } }
    for (const { facade, cause } of failures) {
      if (facade.role === 'object') continue
      for (const each of outwardOf(this.#served.code, facade.role, revisionOf(facade))) {
        if (!(each.revision in withdrawn[facade.role])) withdrawn[facade.role][each.revision] = cause
        // eslint-disable-next-line @typescript-eslint/no-dynamic-delete -- a copy of a record by revision
        delete spaces[facade.role][each.revision]
      }
    }
    const meta = { ...this.#meta, withdrawn, spaces: { ...this.#meta.spaces, ...spaces } }
    return { meta, chain: chainOf(this.#served.code, meta), failures }
  }

  /** From now on the others serve; the record of it goes into the batch. */
  adopt(without: Without, layer: Layer): void {
    const before = this.#chain
    this.#meta = without.meta
    this.#chain = without.chain
    this.#onChange()
    for (const [revision, facade] of before.facades) {
      if (without.chain.facades.has(revision)) continue
      for (const key of layer.entries.keys()) if (key.startsWith(facade.prefix)) layer.entries.delete(key)
    }
    putMeta(layer, { className: this.#served.className, meta: without.meta })
  }

  /** To be called when it is on disk, or for a failure that ends a trial. */
  report(failures: readonly SimulationFailure[]): void {
    for (const { facade, cause } of failures) {
      if (facade.role !== 'object') this.#onFailed({ revision: revisionOf(facade), role: facade.role, cause })
    }
  }
}
