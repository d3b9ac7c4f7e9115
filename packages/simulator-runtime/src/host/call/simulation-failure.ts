import { CallError, messageOf } from '@instar/core'
import { nameOf, type Facade, type FacadeCode } from './facade.js'

/** Why a simulation object cannot go on serving (§7). */
export interface SimulationFailure {
  readonly facade: FacadeCode
  readonly cause: string
  /** It did nothing wrong: one nearer to the object said that it cannot be told of a call. */
  readonly untold: boolean
}

/** An interceptor failed in its delegate's place: the request is tried again without it. Nothing else catches this. */
export class InterceptorFailed extends Error {
  override readonly name = 'InterceptorFailed'

  constructor(readonly failure: SimulationFailure) {
    super(failure.cause)
  }
}

/** One sentence for people: which class, version and method, and what it threw. */
export function failureOf(facade: FacadeCode, what: string, thrown: unknown): SimulationFailure {
  const why = thrown instanceof CallError ? thrown.detail.message : messageOf(thrown)
  return { facade, cause: `${nameOf(facade)} failed in ${what}: ${why}`.slice(0, 500), untold: false }
}

export function untold(facade: Facade, by: Facade, method: string): SimulationFailure {
  const cause = `${nameOf(facade)} cannot be told what ${method} amounts to: ${nameOf(by)} says that no call of its version does`
  return { facade, cause, untold: true }
}

/** What is withdrawn: an interceptor as a whole, whichever of its two sides failed. */
export function revisionOf(facade: FacadeCode): number {
  return facade.standsIn ?? facade.revision
}
