import type { StandardSchemaV1 } from '@standard-schema/spec'
import type { SimulationModel } from '@instar/core'
import type { MethodKind } from '../../contract/contract.js'
import type { ClassDefinition, Initialize, ReadEntry } from '../../definition/define-class.js'
import { prefixOf } from '../open/spaces.js'
import type { ByteKey } from '../state/layer.js'

/** A class or simulation object and what it serves, as read from a module and checked. */
export interface FacadeCode {
  readonly revision: number
  /** The version that its outgoing calls carry (R2). */
  readonly version: number
  readonly role: 'object' | 'past' | 'future'
  /** Of the object: `direct`, it has no delegate to relate to. */
  readonly model: SimulationModel
  readonly className: string
  readonly implementation: new (ctx: object) => object
  readonly methods: ReadonlyMap<string, FacadeMethod>
  /** How it is told of its delegate's commands; of a shadowed simulation object and a twin only. */
  readonly told: ToldCode | undefined
  /** Of a twin: how its delegate is told of its own commands (§8). */
  readonly tells: ToldCode | undefined
  /** Of an interceptor: what serves its delegate's version. */
  readonly instead: FacadeCode | undefined
  /** Of an `instead`: the revision of the interceptor that it is a part of. */
  readonly standsIn: number | undefined
  readonly initialize: Initialize | undefined
  readonly readEntry: ReadEntry | undefined
  /** Of an object whose state are files (§8). */
  readonly directory: ClassDefinition['directory']
}

export interface FacadeMethod {
  readonly name: string
  readonly kind: MethodKind
  readonly input: StandardSchemaV1['~standard']
  readonly output: StandardSchemaV1['~standard']
  /** Why the whole method is refused here (R8). */
  readonly disallowed: string | undefined
  readonly run: (this: object, ...args: unknown[]) => unknown
}

export type ShadowMethod = (this: object, call: object) => unknown

/** The class whose shadows run, and these by the name of the other version's command. */
export interface ToldCode {
  readonly implementation: new (ctx: object) => object
  readonly shadows: ReadonlyMap<string, ShadowMethod>
}

/** A request as far as its delegates are concerned. */
export interface DelegateCalls {
  /** @param maker the façade that calls; absent for views, which nobody is to be told of */
  callDelegate(
    maker: Facade | undefined,
    delegate: Facade,
    method: FacadeMethod,
    args: readonly unknown[]
  ): Promise<unknown>
}

/** Whatever serves one version here: the object, or a simulation object over its delegate. Built once for a shape of the chain. */
export interface Facade extends FacadeCode {
  /** Unique among the façades of one shape of the chain, from 0. */
  readonly id: number
  readonly delegate: Facade | undefined
  /** Gives a request its typed delegate; absent for the object. */
  readonly delegateFor: ((request: DelegateCalls) => object) | undefined
  /** Gives a request a typed view of this façade. */
  readonly viewFor: (request: DelegateCalls) => object
  readonly prefix: ByteKey
  /** The name of its state. */
  readonly space: string
  /** Prefixes of this façade and of all that stand on it. */
  readonly prefixesOutward: readonly ByteKey[]
  /** Its neighbours that have to be told of every call (§7). */
  readonly shadowedBy: readonly Listener[]
}

/** A façade that is told of its neighbour's calls, and whose simulation object fails when that does. */
export interface Listener extends ToldCode {
  readonly facade: Facade
  /** The listener itself, or where a twin tells its delegate, the twin: its author wrote the shadow. */
  readonly blamed: Facade
}

/**
 * Puts a façade over its delegate, whose `prefixesOutward` and `shadowedBy` it joins. Every stub method is an own function of one class: no
 * Proxy in the way of a call.
 */
export function createFacade(code: FacadeCode, id: number, space: string, delegate: Facade | undefined): Facade {
  const prefix = prefixOf(space)
  const facade: Facade = {
    ...code,
    id,
    delegate,
    // A twin has its whole state: there is nothing that it would have to ask its delegate.
    delegateFor:
      delegate === undefined || code.model === 'twin' ? undefined : request => stubOf(delegate, facade, request),
    viewFor: request => stubOf(facade, undefined, request),
    prefix,
    space,
    prefixesOutward: [prefix],
    shadowedBy: []
  }
  if (delegate !== undefined) {
    if (code.told !== undefined) (delegate.shadowedBy as Listener[]).push({ ...code.told, facade, blamed: facade })
    if (code.tells !== undefined) {
      const listener = { ...code.tells, facade: delegate, blamed: facade }
      ;(facade.shadowedBy as Listener[]).push(listener)
    }
  }
  for (let inner = delegate; inner !== undefined; inner = inner.delegate)
    (inner.prefixesOutward as ByteKey[]).push(prefix)
  return facade
}

export function nameOf(facade: FacadeCode): string {
  const name = `${facade.className} (version ${facade.revision})`
  return facade.role === 'object' ? name : `the ${facade.role} simulation object of ${name}`
}

type Stub = new (request: DelegateCalls, maker: Facade | undefined) => object
const stubs = new WeakMap<Facade, Stub>()

function stubOf(facade: Facade, maker: Facade | undefined, request: DelegateCalls): object {
  let stub = stubs.get(facade)
  if (stub === undefined) {
    stub = stubClass(facade)
    stubs.set(facade, stub)
  }
  return new stub(request, maker)
}

function stubClass(facade: Facade): Stub {
  class Delegate {
    readonly #request: DelegateCalls
    readonly #maker: Facade | undefined

    constructor(request: DelegateCalls, maker: Facade | undefined) {
      this.#request = request
      this.#maker = maker
    }

    static call(stub: Delegate, method: FacadeMethod, args: unknown[]): Promise<unknown> {
      return stub.#request.callDelegate(stub.#maker, facade, method, args)
    }
  }
  for (const method of facade.methods.values()) {
    Object.defineProperty(Delegate.prototype, method.name, {
      value(this: Delegate, ...args: unknown[]): Promise<unknown> {
        return Delegate.call(this, method, args)
      }
    })
  }
  return Delegate
}
