import type { CallError } from '@instar/core'
import { decodeValue, encodeValue } from '../../codec/codec.js'
import type { CallRequest } from '../host-runtime.js'
import type { Commands } from './commands.js'
import { argumentsOf, standing, withdrawn } from './dispatch.js'
import { nameOf, type Facade, type FacadeMethod } from './facade.js'
import { busy, deadlineExceeded, disallowed, upgrading } from './failures.js'
import { Flow } from './flow.js'
import { beginOnce } from './once.js'
import type { Queries } from './queries.js'
import type { Requests, Serving } from './requests.js'
import type { FlowSteps } from './outward.js'

/** The flows under way. Their steps go through the commands and queries as calls from outside do, and are told of by shadows in the same way. */
export class Flows {
  readonly #requests: Requests
  readonly #own: { readonly commands: Commands; readonly queries: Queries }
  readonly #underWay = new Set<Flow>()
  /** Since the start, without those that were refused before. */
  begun = 0
  repeats = 0

  constructor(requests: Requests, own: { readonly commands: Commands; readonly queries: Queries }) {
    this.#requests = requests
    this.#own = own
  }

  get running(): number {
    return this.#underWay.size
  }

  /** @throws CallError */
  async run(serving: Serving, facade: Facade, method: FacadeMethod, request: CallRequest): Promise<Uint8Array> {
    const { limits, deadlines } = this.#requests
    const remainingMs = this.#requests.remainingMs(request)
    if (method.disallowed !== undefined) throw disallowed(facade, method.name, method.disallowed)
    const args = argumentsOf(facade, method, request)
    const once = beginOnce(serving.sessions, deadlines, method, request, remainingMs)
    if (once instanceof Promise) {
      this.repeats++
      return once
    }
    if (this.#underWay.size >= limits.flowsMax || serving.store.broken) {
      once?.drop()
      throw serving.store.broken
        ? upgrading('the state cannot be written; flows wait for a new host')
        : busy(`${limits.flowsMax} flows are under way`)
    }
    this.begun++
    const ended = new AbortController()
    const scope = this.#requests.scope(request, remainingMs)
    const steps = this.#steps(serving, request, scope.remainingMs, ended.signal)
    const flow = new Flow({ store: serving.store, facade, method, args, turn: once, scope, steps })
    this.#underWay.add(flow)
    const abandon = (): void => {
      // In a session its caller may come back for the answer.
      if (once === undefined) flow.cut(executed => deadlineExceeded('the caller gave up', executed))
    }
    const deadline = deadlines.add(remainingMs, () => {
      flow.cut(executed => deadlineExceeded(`${nameOf(facade)} did not answer ${method.name} in time`, executed))
    })
    request.signal.addEventListener('abort', abandon)
    if (request.signal.aborted) abandon()
    try {
      return await flow.answer
    } finally {
      this.#underWay.delete(flow)
      ended.abort()
      deadline.cancel()
      request.signal.removeEventListener('abort', abandon)
    }
  }

  /** The host is about to stop: their authors are told. */
  leave(why: string): void {
    for (const each of this.#underWay) each.leave(why)
  }

  /** Says how many it has ended. */
  cut(error: (executed: 'no' | 'unknown') => CallError): number {
    return [...this.#underWay].filter(each => each.cut(error)).length
  }

  async settled(): Promise<void> {
    await Promise.allSettled([...this.#underWay].map(each => each.answer))
  }

  #steps(
    serving: Serving,
    flow: CallRequest,
    remainingMs: () => number,
    signal: AbortSignal
  ): Omit<FlowSteps, 'begin'> {
    const { commands, queries } = this.#own
    const { version, caller, hops = 0, trail = '' } = flow
    return {
      self: facade => {
        const { chain } = serving.simulations
        const found = chain.facades.get(facade.revision)
        if (found === undefined) throw withdrawn(chain, facade)
        return found
      },
      run: async (given, method, args) => {
        const facade = standing(serving.simulations.chain, given) ?? given
        const step = {
          revision: facade.revision,
          version,
          method: method.name,
          args: encodeValue(args),
          seq: 0,
          doneBelow: 0,
          remainingMs: remainingMs(),
          caller,
          hops,
          trail,
          signal
        }
        const kind = method.kind === 'query' ? queries : commands
        return decodeValue(await kind.run(serving, facade, facade.methods.get(method.name) ?? method, step))
      }
    }
  }
}
