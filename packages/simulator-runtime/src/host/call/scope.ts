import type { Contract, MethodKind } from '../../contract/contract.js'
import type { OutgoingCall } from '../host-runtime.js'
import type { Outbox } from '../outbox/outbox.js'
import { stagePrefixOf, StagedSends } from '../outbox/staged-sends.js'
import type { Access } from '../state/access.js'
import type { FlowAccess } from '../state/flow-access.js'
import type { CommandAccess, QueryAccess, ShadowAccess, ViewAccess } from '../state/request-access.js'
import type { ChainedRequest } from './call-chain.js'
import { FacadeContext, type RequestScope } from './context.js'
import type { Deadlines } from './deadlines.js'
import { withoutInterceptor } from './dispatch.js'
import type { Facade, FacadeCode, FacadeMethod, ToldCode } from './facade.js'
import { disallowed, isContractual, outOfContract, RequestOver } from './failures.js'
import type { Moment } from './moment.js'
import { assertMayCall, callPeer, mayNotSend, stubOfPeer, toSend, type PeerCall } from './peer-calls.js'
import { castShadows, isolated } from './shadows.js'
import { failureOf, TryFailed, type SimulationFailure } from './simulation-failure.js'
import { validate } from './validate.js'

export interface ScopeInit {
  /** `shadow` and `view`: parts of a command that are lent to others. */
  readonly kind: MethodKind | 'shadow' | 'view'
  readonly access: RequestAccess
  readonly request: ChainedRequest
  readonly caller: string
  readonly remainingMs: () => number
  readonly moment: Moment
  readonly outgoing: (call: OutgoingCall) => Promise<Uint8Array>
  readonly deadlines: Deadlines
  /** What a simulation object may take for a call that is none of its own version's. */
  readonly simulationMsMax: number
  /** Of a command. */
  readonly outbox?: Outbox
  /** Of a flow. */
  readonly steps?: FlowSteps
}

/** What a flow is made of. */
export interface FlowSteps {
  /** Before the first step that can have an effect: from here on the flow must not run again. */
  begin(): Promise<void>
  /** A query or command of this object, as a request of its own. @throws CallError */
  run(facade: Facade, method: FacadeMethod, args: readonly unknown[]): Promise<unknown>
  /** What serves this façade's version for its callers. @throws CallError when it has been withdrawn */
  self(facade: Facade): Facade
}

type RequestAccess = QueryAccess | CommandAccess | ShadowAccess | ViewAccess | FlowAccess

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
  /** Behind `ctx.signal`. */
  #controller: AbortController | undefined
  #told: string | undefined
  /** Ends calls to other peers, which go on when the author is told that the host is about to stop. */
  #outgoing: AbortController | undefined
  #waiting = 0
  #leaving: string | undefined
  #staged: StagedSends | undefined
  /** Why the outbox took no more: whatever the method makes of it, it is no fault of its code. */
  #full: unknown
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
      if (this.#told !== undefined) this.#controller.abort(new RequestOver(this.#told))
    }
    return this.#controller.signal
  }

  /** Whether something of the request still runs although its method has returned. */
  get underWay(): boolean {
    return this.access.underWay > 0
  }

  /** What the command has left for after its commit, and has not taken back. */
  get sends(): StagedSends | undefined {
    return this.#staged
  }

  /** Whether this came of a full outbox: then the request may be tried again. */
  isFull(error: unknown): boolean {
    return error !== undefined && error === this.#full
  }

  /** Whether the author was told to come to an end. */
  get told(): boolean {
    return this.#told !== undefined
  }

  /** The host is about to stop: whoever waits for another peer, now or later, is told by `ctx.signal` (§9). */
  leave(why: string): void {
    this.#leaving = why
    if (this.#waiting > 0 || this.#init.kind === 'flow') this.#tell(why)
  }

  /** From now on every view, stub and context of this request refuses; its views not, where the same access goes on in another scope. */
  end(why: string, options: { readonly keepAccess?: boolean } = {}): void {
    if (this.#over !== undefined) return
    this.#over = why
    if (options.keepAccess !== true) this.access.revoke(() => new RequestOver(why))
    this.#tell(why)
    this.#outgoing?.abort(new RequestOver(why))
  }

  #tell(why: string): void {
    if (this.#told !== undefined) return
    this.#told = why
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
    const isShadowed = method.kind === 'command' && facade.shadowedBy.some(each => each.facade !== maker)
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

  #run(given: Facade, method: FacadeMethod, args: readonly unknown[]): unknown {
    // P2: what fails in the middle of a flow cannot run again on the delegate, so there it is the delegate's flow from the beginning.
    const facade = method.kind === 'flow' ? withoutInterceptor(given) : given
    if (facade !== given) return facade.methods.get(method.name)?.run.apply(this.instance(facade), args as unknown[])
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
      const failure = failureOf(facade, method.name, error, true)
      this.giveUp(failure)
      throw new TryFailed(failure)
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
      this.#assertNotOver()
      if (method.disallowed !== undefined) throw disallowed(delegate, method.name, method.disallowed)
      const { kind, steps } = this.#init
      if (method.kind !== 'query' && kind !== 'flow' && method.kind !== kind) {
        throw outOfContract(delegate, method.name, `a ${kind} called this ${method.kind} of its delegate`)
      }
      if (steps !== undefined && method.kind !== 'flow') return this.#step(steps, delegate, method, args)
      const valid = validate<readonly unknown[]>(method.input, args, flaw =>
        outOfContract(delegate, method.name, `its simulation object called it with invalid arguments: ${flaw}`)
      )
      if (method.kind === 'command') return this.#remembered(maker, this.#nestedCommand(maker, delegate, method, valid))
      const answer =
        valid instanceof Promise
          ? valid.then(args => this.execute(delegate, method, args))
          : this.execute(delegate, method, valid)
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

  peerStub(facade: Facade, peer: string, contract: Contract): object {
    return stubOfPeer(contract, ['query', 'command', 'flow'], (name, method, args) =>
      this.#callPeer({ facade, peer, contract, name, method, args })
    )
  }

  async #callPeer(call: PeerCall): Promise<unknown> {
    this.#assertNotOver()
    assertMayCall(this.#init.kind, call)
    this.#waiting++
    if (this.#leaving !== undefined) this.#tell(this.#leaving)
    try {
      if (call.method.kind !== 'query') await this.#init.steps?.begin()
      this.#assertNotOver()
      this.#outgoing ??= new AbortController()
      return await callPeer(call, this.#init, this.#outgoing.signal)
    } finally {
      this.#waiting--
    }
  }

  sendStub(facade: Facade, peer: string, contract: Contract): object {
    return stubOfPeer(contract, ['command'], (name, method, args) => {
      this.#send({ facade, peer, contract, name, method, args })
    })
  }

  #send(call: PeerCall): void {
    this.#assertNotOver()
    const { kind, outbox } = this.#init
    if (kind !== 'command' || outbox === undefined) throw mayNotSend(kind, call.facade)
    const send = toSend(call, this.#init.request)
    this.#staged ??= new StagedSends()
    try {
      outbox.assertRoom(send.peer, this.#staged.bytes + send.args.byteLength, this.#staged.count(send.peer))
    } catch (error) {
      this.#full = error
      // An interceptor is not to blame for it.
      ;(this.#thrown ??= new WeakSet()).add(error as object)
      throw error
    }
    this.#staged.stage(this.access as CommandAccess, call.facade.prefix, send)
  }

  selfStub(facade: Facade): object {
    const { kind, steps } = this.#init
    if (steps === undefined) {
      const instead = 'call the method itself, this.method(…)'
      throw outOfContract(facade, 'ctx.self', `a ${kind} used it; it is for flows: ${instead}`)
    }
    const stub: Record<string, (...args: unknown[]) => Promise<unknown>> = {}
    for (const [name, method] of facade.methods) {
      if (method.kind === 'flow') continue
      stub[name] = async (...args) => this.#step(steps, steps.self(facade), method, args)
    }
    return stub
  }

  async #step(steps: FlowSteps, facade: Facade, method: FacadeMethod, args: readonly unknown[]): Promise<unknown> {
    this.#assertNotOver()
    if (method.kind !== 'query') await steps.begin()
    this.#assertNotOver()
    return steps.run(facade, method, args)
  }

  #assertNotOver(): void {
    if (this.#over !== undefined) throw new RequestOver(this.#over)
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
      const kept = maker?.prefixesOutward ?? []
      if (mark !== undefined) access.rollBack(mark, [...kept, ...kept.map(stagePrefixOf)])
      throw error
    } finally {
      access.end()
      if (this.#busy[delegate.id] === promise) this.#busy[delegate.id] = undefined
      resolve(undefined)
    }
  }

  instance(facade: Facade, code: ToldCode | Facade = facade): object {
    const known = this.#instances[facade.id]
    if (known !== undefined) return known
    const made = Object.freeze(new code.implementation(new FacadeContext(this, facade)))
    this.#instances[facade.id] = made
    return made
  }
}
