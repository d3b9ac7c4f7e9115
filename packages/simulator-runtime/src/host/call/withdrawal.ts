import { Layer } from '../state/layer.js'
import type { Store } from '../state/store.js'
import type { LaneJob } from './lane.js'
import { revisionOf, type SimulationFailure } from './simulation-failure.js'
import type { Simulations } from './simulations.js'

/** Withdraws what a query has found to fail: a query writes nothing itself, so this takes a turn among the commands. */
export class Withdrawal implements LaneJob {
  readonly #store: Store
  readonly #simulations: Simulations
  readonly #failures: readonly SimulationFailure[]

  constructor(store: Store, simulations: Simulations, failures: readonly SimulationFailure[]) {
    this.#store = store
    this.#simulations = simulations
    this.#failures = failures
  }

  async start(): Promise<void> {
    const { withdrawn } = this.#simulations.chain
    const news = this.#failures.filter(each => !withdrawn.has(revisionOf(each.facade)))
    const fatal = news.filter(each => this.#simulations.endsTrial(each))
    const rest = news.filter(each => !fatal.includes(each))
    this.#simulations.report(fatal)
    if (rest.length === 0) return
    const layer = new Layer()
    this.#simulations.adopt(this.#simulations.without(rest), layer)
    await new Promise<void>(resolve => {
      this.#store.commit(
        layer,
        () => {
          this.#simulations.report(rest)
          resolve()
        },
        // The state is broken then, which its owner is told; the next start finds the simulation object and tries it again.
        () => resolve()
      )
    })
  }
}
