import { CallError } from '@instar/core'
import { encodeValue } from '../../codec/codec.js'
import { CommandAccess } from '../state/request-access.js'
import { Layer } from '../state/layer.js'
import type { Store } from '../state/store.js'
import type { Facade, FacadeMethod } from './facade.js'
import { deadlineExceeded, outOfContract, toCallError, upgrading } from './failures.js'
import type { LaneJob } from './lane.js'
import { Scope, type ScopeInit } from './scope.js'
import type { Outcome, Turn } from './sessions.js'
import { validate } from './validate.js'

export interface CommandInit {
  readonly store: Store
  readonly facade: Facade
  readonly method: FacadeMethod
  readonly args: () => readonly unknown[] | Promise<readonly unknown[]>
  readonly turn: Turn | undefined
  readonly scope: Omit<ScopeInit, 'kind' | 'access'>
  /** Whoever sent it has gone; it is dropped if it has not begun and cannot be asked for again. */
  readonly abandoned: () => boolean
}

/**
 * One command: waits for the lane, runs alone on an overlay, then waits for the batch that holds what it wrote together with its answer.
 * What happens to it before that batch leaves nothing behind.
 */
export class Command implements LaneJob {
  /** Settles when the outcome is as durable as the class asks. */
  readonly answer: Promise<Uint8Array>
  readonly #init: CommandInit
  readonly #settle: { resolve(answer: Uint8Array): void; reject(error: unknown): void }
  #state: 'waiting' | 'running' | 'committing' = 'waiting'
  #scope: Scope | undefined
  #leaveLane: (() => void) | undefined

  constructor(init: CommandInit) {
    this.#init = init
    const { promise, resolve, reject } = Promise.withResolvers<Uint8Array>()
    this.answer = promise
    this.#settle = { resolve, reject }
    // Callers may have gone by their deadline; nobody else waits for it then.
    promise.catch(() => undefined)
    init.turn?.answeredBy(promise)
  }

  async start(): Promise<void> {
    if (this.#state !== 'waiting') return
    if (this.#init.turn === undefined && this.#init.abandoned()) {
      this.cut(deadlineExceeded('the caller gave up before the command began', 'no'))
      return
    }
    this.#state = 'running'
    const { promise, resolve } = Promise.withResolvers<undefined>()
    this.#leaveLane = () => resolve(undefined)
    void this.#run()
    await promise
  }

  /** The deadline has passed. Says whether the command may still take effect. */
  overrun(): 'no' | 'unknown' {
    if (this.#state === 'committing') return 'unknown'
    const { facade, method } = this.#init
    const late = this.#state === 'running' ? 'did not answer in time' : 'did not come to its turn in time'
    this.#commit(deadlineExceeded(`${facade.className}.${method.name} ${late}`, 'no'))
    return 'no'
  }

  /** Ends it now, unless it is being written already: nothing of it takes effect, and it may be asked for again. */
  cut(error: CallError): boolean {
    if (this.#state === 'committing') return false
    this.#state = 'committing'
    this.#init.turn?.drop()
    this.#leave('the command was cut off')
    this.#settle.reject(error)
    return true
  }

  async #run(): Promise<void> {
    const { store, facade, method, args } = this.#init
    const access = new CommandAccess(store)
    const scope = new Scope({ ...this.#init.scope, kind: 'command', access })
    this.#scope = scope
    let outcome: Outcome
    try {
      const valid = args()
      const value = await scope.run(facade, method, valid instanceof Promise ? await valid : valid)
      if (scope.underWay) {
        throw outOfContract(facade, method.name, 'it answered while a call or a clear that it began was still running')
      }
      outcome = encodeValue(
        await validate(method.output, value, flaw =>
          outOfContract(facade, method.name, `its answer is invalid: ${flaw}`)
        )
      )
    } catch (error) {
      outcome = toCallError(error, facade, method.name)
    }
    // Cut off meanwhile: whatever this came to, nobody is to see it.
    if (this.#state === 'running') this.#commit(outcome, access.layer)
  }

  #commit(outcome: Outcome, written: Layer = new Layer()): void {
    this.#state = 'committing'
    const layer = outcome instanceof CallError ? new Layer() : written
    this.#init.turn?.keep(outcome, layer)
    this.#init.store.commit(
      layer,
      () => {
        this.#init.turn?.committed()
        if (outcome instanceof CallError) this.#settle.reject(outcome)
        else this.#settle.resolve(outcome)
      },
      () => {
        this.#init.turn?.drop()
        this.#settle.reject(
          upgrading('the state could not be written; what became of the command is unknown', 'unknown')
        )
      }
    )
    this.#leave('the request has been answered')
  }

  #leave(why: string): void {
    this.#scope?.end(why)
    this.#leaveLane?.()
  }
}
