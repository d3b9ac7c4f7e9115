import type { CachedAccess } from '../cache/cached-access.js'
import type { Entry } from '../cache/caches.js'
import { directoryOf } from '../directory/directories.js'
import { stagePrefixOf, type StagedSends } from '../outbox/staged-sends.js'
import type { Access } from '../state/access.js'
import type { FlowAccess } from '../state/flow-access.js'
import type { CommandAccess, QueryAccess, ShadowAccess, ViewAccess } from '../state/request-access.js'
import { cachedMethods, plainMethods } from './cached-calls.js'
import { FacadeContext, type RequestScope } from './context.js'
import type { Deadlines } from './deadlines.js'
import { withoutInterceptor } from './dispatch.js'
import type { Facade, FacadeCode, FacadeMethod, ToldCode } from './facade.js'
import { disallowed, isContractual, outOfContract, RequestOver } from './failures.js'
import type { Moment } from './moment.js'
import { Outward, type OutwardInit } from './outward.js'
import { castShadows, isolated } from './shadows.js'
import { failureOf, TryFailed, type SimulationFailure } from './simulation-failure.js'
import { validate } from './validate.js'

export interface ScopeInit extends OutwardInit {
  readonly access: RequestAccess
  readonly caller: string
  readonly moment: Moment
  readonly stateDirectory: string
  readonly deadlines: Deadlines
  /** What a simulation object may take for a call that is none of its own version's. */
  readonly simulationMsMax: number
}

type RequestAccess = QueryAccess | CommandAccess | ShadowAccess | ViewAccess | CachedAccess | FlowAccess

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
  #outward: Outward | undefined
  /** To be kept by `ctx.cache` when the request takes effect. */
  kept: Entry[] | undefined
  #touchedFiles = false
  #over: string | undefined

  constructor(init: ScopeInit) {
    this.access = init.access
    this.#init = init
  }

  get caller(): string {
    this.#assertNotKept('ctx.caller')
    return this.#init.caller
  }

  get now(): number {
    this.#assertNotKept('ctx.now()')
    return this.#init.moment.now
  }

  random(): number {
    this.#assertNotKept('ctx.random()')
    this.#random ??= this.#init.moment.sequence()
    return this.#random()
  }

  get signal(): AbortSignal {
    return this.outward.signal
  }

  /** What the request does beyond its atomic step; most do nothing of the kind. */
  get outward(): Outward {
    if (this.#outward === undefined) {
      this.#outward = new Outward(this.#init)
      if (this.#over !== undefined) this.#outward.end(this.#over)
    }
    return this.#outward
  }

  /** Whether the author was told to come to an end. */
  get told(): boolean {
    return this.#outward?.told ?? false
  }

  get sends(): StagedSends | undefined {
    return this.#outward?.sends
  }

  /** Whether this came of a full outbox: then the request may be tried again. */
  isFull(error: unknown): boolean {
    return this.#outward?.isFull(error) ?? false
  }

  /** A command of an object with directory state has begun: what it has changed stays changed (§8). */
  get touchedFiles(): boolean {
    return this.#touchedFiles
  }

  directory(facade: Facade): string {
    this.#assertNotOver()
    // Nobody sees what is read of files.
    this.#assertNotKept('ctx.directory')
    const { kind, stateDirectory } = this.#init
    if (facade.directory === undefined)
      throw outOfContract(facade, 'ctx.directory', 'its state is managed: it is in ctx.state')
    if (kind === 'flow')
      throw outOfContract(facade, 'ctx.directory', 'a flow used it: a flow reads and changes state by ctx.self')
    return directoryOf(stateDirectory, facade.space)
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
    this.#outward?.end(why)
  }

  /** A part of this request in other hands, with instances of its own; to be ended by whoever asked for it. */
  lend(kind: 'shadow' | 'view' | 'cached', access: ShadowAccess | ViewAccess | CachedAccess): Scope {
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
    if (facade.directory !== undefined && method.kind === 'command') this.#touchedFiles = true
    return method.run.apply(this.instance(facade), args as unknown[])
  }

  /** §7: an interceptor that fails on a call of its delegate's version is withdrawn, and the call runs on the delegate. */
  async #runInterceptor(facade: Facade, method: FacadeMethod, args: readonly unknown[]): Promise<unknown> {
    try {
      const result = await this.inTime(Promise.resolve(method.run.apply(this.instance(facade), isolated([...args]))))
      await validate(method.output, result, flaw => new TypeError(`its answer is invalid: ${flaw}`))
      return result
    } catch (error) {
      if (
        isContractual(error) ||
        this.isFull(error) ||
        (typeof error === 'object' && error !== null && this.#thrown?.has(error) === true)
      ) {
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
      if (steps !== undefined && method.kind !== 'flow') return this.outward.step(steps, delegate, method, args)
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

  /** Methods of an instance's own class, whose answers are kept (§9). */
  cacheStub(facade: Facade, instance: object): object {
    const { kind } = this.#init
    if (kind === 'flow') throw outOfContract(facade, 'ctx.cache', 'a flow has no state to keep answers of')
    return kind === 'query' || kind === 'command' ? cachedMethods(this, facade) : plainMethods(facade, instance)
  }

  keep(entry: Entry): void {
    // A query has no effect that could fail.
    if (this.#init.kind === 'query') (this.access as QueryAccess).caches.put(entry)
    else (this.kept ??= []).push(entry)
  }

  #assertNotKept(what: string): void {
    if (this.#init.kind !== 'cached') return
    throw new TypeError(
      `a method whose answer is kept by ctx.cache used ${what}: its answer is to depend on state and arguments only`
    )
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
