import { CallError, isRetryable } from '@instar/core'
import { FlowAccess } from '../state/flow-access.js'
import { Layer } from '../state/layer.js'
import type { Store } from '../state/store.js'
import { withoutInterceptor, type Arguments } from './dispatch.js'
import type { Facade, FacadeMethod } from './facade.js'
import { encodeAnswer } from './encode-answer.js'
import { outOfContract, toCallError, upgrading } from './failures.js'
import type { FlowSteps } from './outward.js'
import { Scope, type ScopeInit } from './scope.js'
import type { Outcome, Turn } from './sessions.js'
import { validate } from './validate.js'

export interface FlowInit {
  readonly store: Store
  readonly facade: Facade
  readonly method: FacadeMethod
  readonly args: Arguments
  readonly turn: Turn | undefined
  readonly scope: Omit<ScopeInit, 'kind' | 'access' | 'steps'>
  readonly steps: Omit<FlowSteps, 'begin'>
}

/**
 * One flow: steps that are requests of their own, and waits for other peers in between; it stands in nobody's way (§9). It has no batch
 * that could hold its effects together with its answer, so in a session it is run at most once: that it has begun is on disk before its
 * first step that can have an effect, and a repeat that finds no more than that is told so (§12).
 */
export class Flow {
  readonly answer: Promise<Uint8Array>
  readonly #init: FlowInit
  readonly #scope: Scope
  readonly #settle: { resolve(answer: Uint8Array): void; reject(error: unknown): void }
  #begun: Promise<void> | undefined
  #over = false

  constructor(init: FlowInit) {
    const { promise, resolve, reject } = Promise.withResolvers<Uint8Array>()
    this.answer = promise
    this.#init = init
    this.#settle = { resolve, reject }
    promise.catch(() => undefined)
    init.turn?.answeredBy(promise)
    const steps = { ...init.steps, begin: () => (this.#begun ??= this.#begin()) }
    this.#scope = new Scope({ ...init.scope, kind: 'flow', access: new FlowAccess(), steps })
    void this.#run()
  }

  /** Ends it now with this error, unless it has ended. What its steps have done stands. */
  cut(error: (executed: 'no' | 'unknown') => CallError): boolean {
    if (this.#over) return false
    this.#end()
    this.#init.turn?.drop()
    this.#settle.reject(error(this.#executed))
    return true
  }

  leave(why: string): void {
    this.#scope.outward.leave(why)
  }

  get #executed(): 'no' | 'unknown' {
    return this.#begun === undefined ? 'no' : 'unknown'
  }

  async #run(): Promise<void> {
    const { args, facade, method } = this.#init
    try {
      const valid = args()
      const value = await this.#scope.execute(facade, method, valid instanceof Promise ? await valid : valid)
      const answer = await validate(method.output, value, flaw =>
        outOfContract(facade, method.name, `its answer is invalid: ${flaw}`)
      )
      this.#answer(encodeAnswer(facade, method, answer))
    } catch (thrown) {
      const error = toCallError(thrown, withoutInterceptor(facade), method.name)
      if (this.#scope.told && !this.#over) {
        this.cut(executed => upgrading(`${error.detail.message}; this host stops`, executed))
      } else if (isRetryable(error.code) && this.#begun === undefined) {
        this.cut(() => error)
      } else {
        this.#answer(this.#begun === undefined ? error : inTheMiddle(error))
      }
    }
  }

  #answer(outcome: Outcome): void {
    if (this.#over) return
    this.#end()
    const { turn, store } = this.#init
    const settle = (): void => {
      if (outcome instanceof CallError) this.#settle.reject(outcome)
      else this.#settle.resolve(outcome)
    }
    if (turn === undefined) {
      settle()
      return
    }
    const layer = new Layer()
    turn.keep(outcome, layer)
    store.commit(
      layer,
      () => {
        turn.committed()
        settle()
      },
      () => {
        turn.drop()
        this.#settle.reject(upgrading('the state could not be written; what became of the flow is unknown', 'unknown'))
      }
    )
  }

  #begin(): Promise<void> {
    const { turn, store } = this.#init
    if (turn === undefined) return Promise.resolve()
    const layer = new Layer()
    turn.begin(layer)
    return new Promise((resolve, reject) => {
      store.commit(layer, resolve, () => reject(upgrading('the state cannot be written, so the flow cannot begin')))
    })
  }

  #end(): void {
    this.#over = true
    this.#scope.end('the request has been answered')
  }
}

/** Steps were taken: asking again cannot lead to a first answer, and "not executed" would be untrue. */
function inTheMiddle({ code, detail }: CallError): CallError {
  if (!isRetryable(code)) return new CallError(code, { ...detail, executed: 'unknown' })
  const reason = `a step failed with ${code} when others had been taken: ${detail.message}`
  return new CallError('Failed', { message: reason, reason, executed: 'unknown' })
}
