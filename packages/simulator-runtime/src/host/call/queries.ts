import type { CallError } from '@instar/core'
import type { CallRequest } from '../host-runtime.js'
import { argumentsOf } from './dispatch.js'
import { nameOf, type Facade, type FacadeMethod } from './facade.js'
import { busy, deadlineExceeded, disallowed } from './failures.js'
import type { Lane } from './lane.js'
import { Query } from './query.js'
import type { Requests, Serving } from './requests.js'
import { Withdrawal } from './withdrawal.js'

/** The queries under way: bounded in number, each until its deadline or until its caller has gone. */
export class Queries {
  readonly #requests: Requests
  readonly #lane: Lane
  readonly #underWay = new Set<Query>()
  /** Since the start. */
  begun = 0

  constructor(requests: Requests, lane: Lane) {
    this.#requests = requests
    this.#lane = lane
  }

  get running(): number {
    return this.#underWay.size
  }

  /** @throws CallError */
  async run(serving: Serving, facade: Facade, method: FacadeMethod, request: CallRequest): Promise<Uint8Array> {
    const { limits, deadlines } = this.#requests
    if (method.disallowed !== undefined) throw disallowed(facade, method.name, method.disallowed)
    if (this.#underWay.size >= limits.queriesMax) throw busy(`${limits.queriesMax} queries are under way`)
    const args = argumentsOf(facade, method, request)
    const remainingMs = this.#requests.remainingMs(request)
    const { store, simulations } = serving
    this.begun++
    const query = new Query({
      store,
      simulations,
      facade,
      method,
      args,
      scope: this.#requests.scope(request, remainingMs),
      onFailures: failures => this.#lane.push(new Withdrawal(store, simulations, failures))
    })
    this.#underWay.add(query)
    const abandon = (): void => void query.cut(deadlineExceeded('the caller gave up', 'no'))
    const deadline = deadlines.add(remainingMs, () => {
      query.cut(deadlineExceeded(`${nameOf(facade)} did not answer ${method.name} in time`, 'no'))
    })
    request.signal.addEventListener('abort', abandon)
    if (request.signal.aborted) abandon()
    try {
      return await query.answer
    } finally {
      this.#underWay.delete(query)
      deadline.cancel()
      request.signal.removeEventListener('abort', abandon)
    }
  }

  /** The host is about to stop: those that wait for other peers are told. */
  leave(why: string): void {
    for (const each of this.#underWay) each.leave(why)
  }

  /** Says how many it has ended. */
  cut(error: CallError): number {
    return [...this.#underWay].filter(each => each.cut(error)).length
  }

  async settled(): Promise<void> {
    await Promise.allSettled([...this.#underWay].map(each => each.answer))
  }
}
