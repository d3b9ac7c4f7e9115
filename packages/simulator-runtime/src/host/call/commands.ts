import type { CallError } from '@instar/core'
import type { CallRequest } from '../host-runtime.js'
import { Command } from './command.js'
import { argumentsOf, type Arguments } from './dispatch.js'
import { nameOf, type Facade, type FacadeMethod } from './facade.js'
import { busy, deadlineExceeded, disallowed, upgrading } from './failures.js'
import type { Lane } from './lane.js'
import { beginOnce } from './once.js'
import type { Requests, Serving } from './requests.js'
import type { Turn } from './sessions.js'

/** The commands that wait, run or are being written. A repeat in a session is answered without another run (§12). */
export class Commands {
  readonly #requests: Requests
  readonly #lane: Lane
  readonly #underWay = new Set<Command>()
  /** Since the start, without those that were refused before. */
  begun = 0
  repeats = 0

  constructor(requests: Requests, lane: Lane) {
    this.#requests = requests
    this.#lane = lane
  }

  /** @throws CallError */
  async run(serving: Serving, facade: Facade, method: FacadeMethod, request: CallRequest): Promise<Uint8Array> {
    const remainingMs = this.#requests.remainingMs(request)
    // A full lane is no reason to forget what is known already, so the session is asked first.
    const once = beginOnce(serving.sessions, this.#requests.deadlines, method, request, remainingMs)
    if (once instanceof Promise) {
      this.repeats++
      return once
    }
    try {
      this.#assertRoom(serving)
    } catch (error) {
      once?.drop()
      throw error
    }
    return this.#begin(serving, facade, method, request, remainingMs, once)
  }

  /** Says how many it has ended: not those that are being written. */
  cut(error: CallError): number {
    return [...this.#underWay].filter(each => each.cut(error)).length
  }

  #assertRoom({ store }: Serving): void {
    const { commandsWaitingMax } = this.#requests.limits
    if (store.broken) throw upgrading('the state cannot be written; commands wait for a new host')
    if (this.#lane.waiting >= commandsWaitingMax) throw busy(`${commandsWaitingMax} commands wait already`)
  }

  #begin(
    { store, simulations, outbox }: Serving,
    facade: Facade,
    method: FacadeMethod,
    request: CallRequest,
    remainingMs: number,
    turn: Turn | undefined
  ): Promise<Uint8Array> {
    // Without a session nobody will ask again: what needs no turn in the lane is refused at once.
    const args = admit(facade, method, request, turn !== undefined)
    this.begun++
    const command = new Command({
      store,
      simulations,
      outbox,
      facade,
      method,
      args,
      turn,
      scope: this.#requests.scope(request, remainingMs),
      futureCommandMsMax: this.#requests.limits.futureCommandMsMax,
      abandoned: () => request.signal.aborted,
      onSettled: () => this.#underWay.delete(command)
    })
    this.#underWay.add(command)
    this.#lane.push(command)
    return this.#requests.deadlines.limit(command.answer, remainingMs, () =>
      deadlineExceeded(`${nameOf(facade)} did not answer ${method.name} in time`, command.overrun())
    )
  }
}

/** The valid arguments, or in a session the refusal as what the command will come to, so that it is kept as its outcome. */
function admit(facade: Facade, method: FacadeMethod, request: CallRequest, asOutcome: boolean): Arguments {
  try {
    if (method.disallowed !== undefined) throw disallowed(facade, method.name, method.disallowed)
    return argumentsOf(facade, method, request)
  } catch (error) {
    if (!asOutcome) throw error
    return () => {
      throw error
    }
  }
}
