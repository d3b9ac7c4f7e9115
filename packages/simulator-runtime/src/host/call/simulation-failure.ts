import { messageOf } from '@instar/core'
import { isCallError } from './failures.js'
import { nameOf, type Facade, type FacadeCode } from './facade.js'

/** Why a simulation object cannot go on serving (§7). */
export interface SimulationFailure {
  readonly facade: FacadeCode
  readonly cause: string
  /** It did nothing wrong: one nearer to the object said that it cannot be told of a call. */
  readonly untold: boolean
  /** What the request came to does not count: it is tried again without this simulation object. */
  readonly again: boolean
}

/** Ends a try of a request that is made again without the simulation object that failed. Nothing else catches this. */
export class TryFailed extends Error {
  override readonly name = 'TryFailed'

  constructor(readonly failure: SimulationFailure) {
    super(failure.cause)
  }
}

/** One sentence for people: which class, version and method, and what it threw. */
export function failureOf(facade: FacadeCode, what: string, thrown: unknown, again = false): SimulationFailure {
  const why = isCallError(thrown) ? thrown.detail.message : messageOf(thrown)
  return { facade, cause: `${nameOf(facade)} failed in ${what}: ${why}`.slice(0, 500), untold: false, again }
}

export function untold(facade: Facade, by: Facade, method: string): SimulationFailure {
  const cause = `${nameOf(facade)} cannot be told what ${method} amounts to: ${nameOf(by)} says that no call of its version does`
  return { facade, cause, untold: true, again: false }
}

/** What is withdrawn: an interceptor as a whole, whichever of its two sides failed. */
export function revisionOf(facade: FacadeCode): number {
  return facade.standsIn ?? facade.revision
}
