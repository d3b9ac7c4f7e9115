import type { AtomicOf, Contract, SendsOf, StubOf } from '../../contract/contract.js'
import type { DirectoryContext, SimulationContext } from '../../definition/context.js'
import type { StateView } from '../../state/state-view.js'
import { View } from '../state/view.js'
import type { Access } from '../state/access.js'
import type { DelegateCalls, Facade } from './facade.js'
import { outOfContract } from './failures.js'
import type { Outward } from './outward.js'

/** A request as its contexts see it. */
export interface RequestScope extends DelegateCalls {
  readonly access: Access
  readonly signal: AbortSignal
  readonly caller: string
  readonly now: number
  random(): number
  directory(facade: Facade): string
  readonly outward: Pick<Outward, 'peerStub' | 'sendStub' | 'selfStub'>
  cacheStub(facade: Facade, instance: object): object
}

/** What one instance sees of the request that it was made for. Parts that cost something are made when they are first asked for. */
export class FacadeContext implements SimulationContext<Contract>, DirectoryContext {
  readonly #scope: RequestScope
  readonly #facade: Facade
  #state: StateView | undefined
  #delegate: object | undefined

  constructor(scope: RequestScope, facade: Facade) {
    this.#scope = scope
    this.#facade = facade
  }

  get state(): StateView {
    // Of an object with directory state it would be a second one, which nothing carries over.
    if (this.#facade.directory !== undefined)
      throw outOfContract(this.#facade, 'ctx.state', 'its state are files: they are in ctx.directory')
    return (this.#state ??= new View(this.#scope.access, this.#facade.prefix))
  }

  get directory(): string {
    return this.#scope.directory(this.#facade)
  }

  get delegate(): never {
    // The author's types say what it has; the object itself has none.
    return (this.#delegate ??= this.#facade.delegateFor?.(this.#scope)) as never
  }

  get signal(): AbortSignal {
    return this.#scope.signal
  }

  get caller(): string {
    return this.#scope.caller
  }

  now(): number {
    return this.#scope.now
  }

  random(): number {
    return this.#scope.random()
  }

  peer<C extends Contract>(peer: string, contract: C): StubOf<C> {
    return this.#scope.outward.peerStub(this.#facade, peer, contract) as StubOf<C>
  }

  after<C extends Contract>(peer: string, contract: C): SendsOf<C> {
    return this.#scope.outward.sendStub(this.#facade, peer, contract) as SendsOf<C>
  }

  self<C extends Contract>(): StubOf<AtomicOf<C>> {
    return this.#scope.outward.selfStub(this.#facade) as StubOf<AtomicOf<C>>
  }

  cache<T extends object>(instance: T): T {
    return this.#scope.cacheStub(this.#facade, instance) as T
  }
}
