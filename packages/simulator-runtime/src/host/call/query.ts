import { encodeValue } from '../../codec/codec.js'
import { QueryAccess } from '../state/request-access.js'
import type { Store } from '../state/store.js'
import type { CallError } from '@instar/core'
import type { Facade, FacadeMethod } from './facade.js'
import { outOfContract, toCallError } from './failures.js'
import { Scope, type ScopeInit } from './scope.js'
import { validate } from './validate.js'

export interface QueryInit {
  readonly store: Store
  readonly facade: Facade
  readonly method: FacadeMethod
  readonly args: () => readonly unknown[] | Promise<readonly unknown[]>
  readonly scope: Omit<ScopeInit, 'kind' | 'access'>
}

/** One query on the snapshot of its start. Queries run side by side, and beside the commands. */
export class Query {
  readonly answer: Promise<Uint8Array>
  readonly #settle: { resolve(answer: Uint8Array): void; reject(error: unknown): void }
  readonly #access: QueryAccess
  readonly #scope: Scope
  #over = false

  constructor(init: QueryInit) {
    const { promise, resolve, reject } = Promise.withResolvers<Uint8Array>()
    this.answer = promise
    this.#settle = { resolve, reject }
    this.#access = new QueryAccess(init.store)
    this.#scope = new Scope({ ...init.scope, kind: 'query', access: this.#access })
    void this.#run(init)
  }

  /** Ends it now with this error, unless it has ended. */
  cut(error: CallError): boolean {
    if (this.#over) return false
    this.#end()
    this.#settle.reject(error)
    return true
  }

  async #run({ facade, method, args }: QueryInit): Promise<void> {
    try {
      const valid = args()
      const value = await this.#scope.run(facade, method, valid instanceof Promise ? await valid : valid)
      const answer = await validate(method.output, value, flaw =>
        outOfContract(facade, method.name, `its answer is invalid: ${flaw}`)
      )
      const bytes = encodeValue(answer)
      if (this.#over) return
      this.#end()
      this.#settle.resolve(bytes)
    } catch (error) {
      this.cut(toCallError(error, facade, method.name))
    }
  }

  #end(): void {
    this.#over = true
    this.#scope.end('the request has been answered')
    this.#access.release()
  }
}
