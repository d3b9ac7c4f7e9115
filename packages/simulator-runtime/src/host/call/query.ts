import { QueryAccess } from '../state/request-access.js'
import type { Store } from '../state/store.js'
import type { CallError } from '@instar/core'
import { withdrawn, type Arguments } from './dispatch.js'
import type { Facade, FacadeMethod } from './facade.js'
import { encodeAnswer } from './encode-answer.js'
import { outOfContract, toCallError, upgrading } from './failures.js'
import { Scope, type ScopeInit } from './scope.js'
import type { SimulationFailure } from './simulation-failure.js'
import type { Simulations } from './simulations.js'
import { validate } from './validate.js'

export interface QueryInit {
  readonly store: Store
  readonly simulations: Simulations
  readonly facade: Facade
  readonly method: FacadeMethod
  readonly args: Arguments
  readonly scope: Omit<ScopeInit, 'kind' | 'access'>
  /** An interceptor failed under it. */
  readonly onFailures: (failures: readonly SimulationFailure[]) => void
}

/** One query on the snapshot of its start. Queries run side by side, and beside the commands. */
export class Query {
  readonly answer: Promise<Uint8Array>
  readonly #init: QueryInit
  readonly #settle: { resolve(answer: Uint8Array): void; reject(error: unknown): void }
  readonly #access: QueryAccess
  #scope: Scope
  #over = false

  constructor(init: QueryInit) {
    const { promise, resolve, reject } = Promise.withResolvers<Uint8Array>()
    this.answer = promise
    this.#init = init
    this.#settle = { resolve, reject }
    this.#access = new QueryAccess(init.store)
    this.#scope = this.#newScope()
    void this.#run(init.facade, [])
  }

  /** Ends it now with this error, unless it has ended. */
  cut(error: CallError): boolean {
    if (this.#over) return false
    this.#end()
    this.#settle.reject(error)
    return true
  }

  leave(why: string): void {
    this.#scope.outward.leave(why)
  }

  async #run(facade: Facade, failures: readonly SimulationFailure[]): Promise<void> {
    const { args, method: asked } = this.#init
    const method = facade.methods.get(asked.name) ?? asked
    try {
      const valid = args()
      const value = await this.#scope.execute(facade, method, valid instanceof Promise ? await valid : valid)
      const answer = await validate(method.output, value, flaw =>
        outOfContract(facade, method.name, `its answer is invalid: ${flaw}`)
      )
      const bytes = encodeAnswer(facade, method, answer)
      if (this.#over || this.#scope.failures.length > 0) {
        await this.#withoutFailed(facade, failures)
        return
      }
      this.#end()
      this.#settle.resolve(bytes)
    } catch (error) {
      if (this.#scope.failures.length > 0) {
        await this.#withoutFailed(facade, failures)
        return
      }
      const answer = toCallError(error, facade, method.name)
      this.cut(this.#scope.told ? upgrading(`${answer.detail.message}; this host stops`) : answer)
    }
  }

  /** §7: an interceptor that fails on a call of its delegate's version is withdrawn, and the call runs on the delegate. */
  async #withoutFailed(facade: Facade, before: readonly SimulationFailure[]): Promise<void> {
    if (this.#over) return
    const { simulations, onFailures } = this.#init
    const failures = [...before, ...this.#scope.failures]
    onFailures(this.#scope.failures)
    if (failures.some(each => simulations.endsTrial(each))) {
      this.cut(upgrading(`${failures[0]?.cause ?? ''}; the upgrade goes back`))
      return
    }
    const { chain } = simulations.without(failures)
    const next = chain.facades.get(facade.revision)
    if (next === undefined) {
      this.cut(withdrawn(chain, facade))
      return
    }
    this.#scope.end('the request is tried again', { keepAccess: true })
    this.#scope = this.#newScope()
    await this.#run(next, failures)
  }

  #newScope(): Scope {
    return new Scope({ ...this.#init.scope, kind: 'query', access: this.#access })
  }

  #end(): void {
    this.#over = true
    this.#scope.end('the request has been answered')
    this.#access.release()
  }
}
