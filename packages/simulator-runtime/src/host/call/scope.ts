import { CallError } from '@instar/core'
import { decodeValue, encodeValue } from '../../codec/codec.js'
import type { Contract, MethodKind } from '../../contract/contract.js'
import type { Access } from '../state/access.js'
import type { CommandAccess, QueryAccess, ShadowAccess, ViewAccess } from '../state/request-access.js'
import type { OutgoingCall } from '../host-runtime.js'
import { FacadeContext, type RequestScope } from './context.js'
import type { Deadlines } from './deadlines.js'
import type { Facade, FacadeCode, FacadeMethod } from './facade.js'
import { disallowed, isContractual, outOfContract, RequestOver } from './failures.js'
import type { Moment } from './moment.js'
import { castShadows, isolated } from './shadows.js'
import { failureOf, InterceptorFailed, type SimulationFailure } from './simulation-failure.js'
import { validate } from './validate.js'

export interface ScopeInit {
  /** `shadow` and `view`: parts of a command that are lent to others. */
  readonly kind: MethodKind | 'shadow' | 'view'
  readonly access: RequestAccess
  readonly caller: string
  readonly remainingMs: () => number
  readonly moment: Moment
  readonly outgoing: (call: OutgoingCall) => Promise<Uint8Array>
  readonly deadlines: Deadlines
  /** What a simulation object may take for a call that is none of its own version's. */
  readonly simulationMsMax: number
}

type RequestAccess = QueryAccess | CommandAccess | ShadowAccess | ViewAccess

/** One request while it runs: its instances (one per façade, frozen, §9), its time and chance, its view of the state. */
export class Scope implements RequestScope {
  readonly access: Access & RequestAccess
  readonly failures: SimulationFailure[] = []
  readonly #init: ScopeInit
  /** By façade. */
  readonly #instances: object[] = []
  /** By façade, the command that runs there: a façade's delegate commands of one call run one after the other. */
  readonly #busy: Array<Promise<unknown> | undefined> = []
  /** What delegates threw: passed on by an interceptor it is no fault of its own. */
  #thrown: WeakSet<object> | undefined
  #random: (() => number) | undefined
  #controller: AbortController | undefined
  #over: string | undefined

  constructor(init: ScopeInit) {
    this.access = init.access
    this.#init = init
  }

  get caller(): string {
    return this.#init.caller
  }

  get now(): number {
    return this.#init.moment.now
  }

  random(): number {
    this.#random ??= this.#init.moment.sequence()
    return this.#random()
  }

  get signal(): AbortSignal {
    if (this.#controller === undefined) {
      this.#controller = new AbortController()
      if (this.#over !== undefined) this.#controller.abort(new RequestOver(this.#over))
    }
    return this.#controller.signal
  }

  /** Whether something of the request still runs although its method has returned. */
  get underWay(): boolean {
    return this.access.underWay > 0
  }

  /** From now on every view, stub and context of this request refuses; its views not, where the same access goes on in another scope. */
  end(why: string, options: { readonly keepAccess?: boolean } = {}): void {
    if (this.#over !== undefined) return
    this.#over = why
    if (options.keepAccess !== true) this.access.revoke(() => new RequestOver(why))
    this.#controller?.abort(new RequestOver(why))
  }

  /** A part of this request in other hands, with instances of its own; to be ended by whoever asked for it. */
  lend(kind: 'shadow' | 'view', access: ShadowAccess | ViewAccess): Scope {
    return new Scope({ ...this.#init, kind, access })
  }

  /** A simulation object is not to be served any more, if this request takes effect. */
  giveUp(failure: SimulationFailure): void {
    this.failures.push(failure)
  }

  hasFailed(facade: FacadeCode): boolean {
    return this.failures.some(each => each.facade === facade)
  }

  /**
   * Settles as the promise does, or rejects when simulation has used up its time: half of what the caller has left at most, so that the
   * caller still gets an answer (P2).
   */
  inTime<T>(promise: Promise<T>): Promise<T> {
    const { deadlines, simulationMsMax, remainingMs } = this.#init
    const allowedMs = Math.min(simulationMsMax, remainingMs() / 2)
    return deadlines.limit(promise, allowedMs, () => new Error(`it took longer than ${Math.round(allowedMs)} ms`))
  }

  /**
   * Runs a method with arguments that are valid, and the shadows that it casts. Gives what the method returns, awaited or not.
   *
   * @param beforeShadows sees the result of a command that casts shadows; when it throws, none are cast
   */
  execute(
    facade: Facade,
    method: FacadeMethod,
    args: readonly unknown[],
    maker?: Facade,
    beforeShadows?: (result: unknown) => Promise<void>
  ): unknown {
    const isShadowed = method.kind === 'command' && facade.shadowedBy.some(each => each !== maker)
    return isShadowed ? this.#withShadows(facade, method, args, maker, beforeShadows) : this.#run(facade, method, args)
  }

  async #withShadows(
    facade: Facade,
    method: FacadeMethod,
    args: readonly unknown[],
    maker: Facade | undefined,
    beforeShadows: ((result: unknown) => Promise<void>) | undefined
  ): Promise<unknown> {
    const mark = (this.access as CommandAccess).mark()
    const asGiven = isolated(args)
    const result = await this.#run(facade, method, args)
    if (beforeShadows !== undefined) await beforeShadows(result)
    else
      await validate(method.output, result, flaw =>
        outOfContract(facade, method.name, `its answer is invalid: ${flaw}`)
      )
    await castShadows(this, { facade, method, args: asGiven, result, mark }, maker)
    return result
  }

  #run(facade: Facade, method: FacadeMethod, args: readonly unknown[]): unknown {
    if (facade.standsIn !== undefined) return this.#runInterceptor(facade, method, args)
    return method.run.apply(this.instance(facade), args as unknown[])
  }

  /** §7: an interceptor that fails on a call of its delegate's version is withdrawn, and the call runs on the delegate. */
  async #runInterceptor(facade: Facade, method: FacadeMethod, args: readonly unknown[]): Promise<unknown> {
    try {
      const result = await this.inTime(Promise.resolve(method.run.apply(this.instance(facade), isolated([...args]))))
      await validate(method.output, result, flaw => new TypeError(`its answer is invalid: ${flaw}`))
      return result
    } catch (error) {
      if (isContractual(error) || (typeof error === 'object' && error !== null && this.#thrown?.has(error) === true)) {
        throw error
      }
      const failure = failureOf(facade, method.name, error)
      this.giveUp(failure)
      throw new InterceptorFailed(failure)
    }
  }

  /** A call of a simulation object to its delegate, or of a shadow to a view of it. */
  callDelegate(
    maker: Facade | undefined,
    delegate: Facade,
    method: FacadeMethod,
    args: readonly unknown[]
  ): Promise<unknown> {
    try {
      if (this.#over !== undefined) throw new RequestOver(this.#over)
      if (method.disallowed !== undefined) throw disallowed(delegate, method.name, method.disallowed)
      if (method.kind === 'command' && this.#init.kind !== 'command') {
        throw outOfContract(delegate, method.name, `a ${this.#init.kind} called this command of its delegate`)
      }
      const valid = validate<readonly unknown[]>(method.input, args, flaw =>
        outOfContract(delegate, method.name, `its simulation object called it with invalid arguments: ${flaw}`)
      )
      if (method.kind === 'command') return this.#remembered(maker, this.#nestedCommand(maker, delegate, method, valid))
      const answer =
        valid instanceof Promise
          ? valid.then(args => this.#run(delegate, method, args))
          : this.#run(delegate, method, valid)
      // The promise itself is passed on: awaiting it here would cost a turn per façade.
      return this.#remembered(maker, answer instanceof Promise ? answer : Promise.resolve(answer))
    } catch (error) {
      // eslint-disable-next-line @typescript-eslint/prefer-promise-reject-errors -- whatever it threw is passed on
      return this.#remembered(maker, Promise.reject(error))
    }
  }

  #remembered(maker: Facade | undefined, answer: Promise<unknown>): Promise<unknown> {
    if (maker?.model !== 'interceptor') return answer
    const thrown = (this.#thrown ??= new WeakSet())
    return answer.catch((error: unknown) => {
      if (typeof error === 'object' && error !== null) thrown.add(error)
      throw error
    })
  }

  /** Queries of another peer's object, at this façade's version. */
  peerStub(facade: Facade, peer: string, contract: Contract): object {
    const stub: Record<string, (...args: unknown[]) => Promise<unknown>> = {}
    for (const [name, method] of Object.entries(contract.methods)) {
      if (method.kind === 'query') stub[name] = (...args) => this.#callPeer(facade, peer, contract, name, args)
    }
    return stub
  }

  async #callPeer(facade: Facade, peer: string, contract: Contract, method: string, args: unknown[]): Promise<unknown> {
    if (this.#over !== undefined) throw new RequestOver(this.#over)
    if (this.#init.kind !== 'query') {
      throw new CallError('OutgoingCallInCommand', {
        message: `a ${this.#init.kind} of ${facade.className} called ${contract.name}.${method} of peer ${peer}: only queries may wait for other peers`
      })
    }
    const schemas = contract.methods[method]
    const bytes = await this.#init
      .outgoing({
        peer,
        className: contract.name,
        version: facade.version,
        method,
        args: encodeValue(args),
        remainingMs: this.#init.remainingMs(),
        signal: this.signal
      })
      .catch((error: unknown) => {
        throw peerCallFailed(error, facade, peer, contract, method)
      })
    const value = decodeValue(bytes)
    return schemas === undefined
      ? value
      : validate(schemas.output['~standard'], value, flaw =>
          outOfContract(facade, method, `peer ${peer} answered ${contract.name}.${method} out of contract: ${flaw}`)
        )
  }

  /** Atomic in itself: when it fails, what it and its own delegates wrote is taken back, whatever the simulation object makes of it (R12). */
  async #nestedCommand(
    maker: Facade | undefined,
    delegate: Facade,
    method: FacadeMethod,
    valid: readonly unknown[] | Promise<readonly unknown[]>
  ): Promise<unknown> {
    const access = this.access as CommandAccess
    access.begin()
    const previous = this.#busy[delegate.id]
    const { promise, resolve } = Promise.withResolvers<undefined>()
    this.#busy[delegate.id] = promise
    let mark: number | undefined
    try {
      if (previous !== undefined) await previous
      const args = valid instanceof Promise ? await valid : valid
      mark = access.mark()
      return await this.execute(delegate, method, args, maker)
    } catch (error) {
      // Whoever made the call may be writing at the same time: that stays.
      if (mark !== undefined) access.rollBack(mark, maker?.prefixesOutward ?? [])
      throw error
    } finally {
      access.end()
      if (this.#busy[delegate.id] === promise) this.#busy[delegate.id] = undefined
      resolve(undefined)
    }
  }

  instance(facade: Facade): object {
    const known = this.#instances[facade.id]
    if (known !== undefined) return known
    const made = Object.freeze(new facade.implementation(new FacadeContext(this, facade)))
    this.#instances[facade.id] = made
    return made
  }
}

/** Another peer's trouble is not this peer's: passed on as it is, `Unreachable` would send the caller looking in the wrong place. */
function peerCallFailed(error: unknown, facade: Facade, peer: string, contract: Contract, method: string): unknown {
  if (!(error instanceof CallError)) return error
  const reason = `${contract.name}.${method} of peer ${peer} failed with ${error.code}: ${error.detail.message}`
  return new CallError('Failed', { message: `${facade.className}: ${reason}`, reason })
}
