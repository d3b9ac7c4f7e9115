import type { CallRequest, HostRuntimeInit, HostRuntimeLimits } from '../host-runtime.js'
import type { Outbox } from '../outbox/outbox.js'
import type { Store } from '../state/store.js'
import type { Deadlines } from './deadlines.js'
import { deadlineExceeded } from './failures.js'
import { Moment } from './moment.js'
import type { ScopeInit } from './scope.js'
import type { Sessions } from './sessions.js'
import type { Simulations } from './simulations.js'

/** What an open state serves requests with. */
export interface Serving {
  readonly store: Store
  readonly sessions: Sessions
  readonly simulations: Simulations
  readonly outbox: Outbox
}

export interface RequestsInit extends Pick<HostRuntimeInit, 'now' | 'random' | 'outgoing' | 'stateDirectory'> {
  readonly limits: HostRuntimeLimits
  readonly deadlines: Deadlines
}

/** What is the same for requests of every kind: how long one may take, and what it sees of the world. */
export class Requests {
  readonly limits: HostRuntimeLimits
  readonly deadlines: Deadlines
  readonly #init: RequestsInit

  constructor(init: RequestsInit) {
    this.#init = init
    this.limits = init.limits
    this.deadlines = init.deadlines
  }

  /** @throws CallError DeadlineExceeded when nothing is left */
  remainingMs({ remainingMs }: CallRequest): number {
    if (!(remainingMs > 0)) throw deadlineExceeded('the deadline had passed when the call arrived', 'no')
    return Math.min(remainingMs, this.limits.remainingMsMax)
  }

  scope(request: CallRequest, remainingMs: number): Omit<ScopeInit, 'kind' | 'access'> {
    const { now, random, outgoing, stateDirectory } = this.#init
    const { deadlines } = this
    const endsAt = deadlines.monotonicMs() + remainingMs
    return {
      request,
      caller: request.caller,
      remainingMs: () => Math.max(endsAt - deadlines.monotonicMs(), 0),
      moment: new Moment(now, random),
      outgoing,
      stateDirectory,
      deadlines,
      simulationMsMax: this.limits.simulationMsMax
    }
  }
}
