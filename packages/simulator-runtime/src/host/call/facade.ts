import type { StandardSchemaV1 } from '@standard-schema/spec'
import type { MethodKind } from '../../contract/contract.js'
import type { Initialize } from '../../definition/define-class.js'
import type { ByteKey } from '../state/layer.js'

/** A class or simulation object and what it serves, as read from a module and checked. */
export interface FacadeCode {
  readonly revision: number
  /** The version that its outgoing calls carry (R2). */
  readonly version: number
  readonly role: 'object' | 'past' | 'future'
  readonly className: string
  readonly implementation: new (ctx: object) => object
  readonly methods: ReadonlyMap<string, FacadeMethod>
  readonly initialize: Initialize | undefined
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

/** A request as far as its delegates are concerned. */
export interface DelegateCalls {
  callDelegate(delegate: Facade, method: FacadeMethod, args: readonly unknown[]): Promise<unknown>
}

/** Whatever serves one version here: the object, or a simulation object over its delegate. Built once per host. */
export interface Facade extends FacadeCode {
  /** Steps to the object. */
  readonly depth: number
  readonly delegate: Facade | undefined
  /** Gives a request its typed delegate; absent for the object. */
  readonly delegateFor: ((request: DelegateCalls) => object) | undefined
  readonly prefix: ByteKey
  /** Prefixes of this façade and of all between it and the object. */
  readonly prefixesInward: readonly ByteKey[]
}

/** Puts a façade over its delegate. Every stub method is an own function of one class: no Proxy in the way of a call. */
export function createFacade(code: FacadeCode, prefix: ByteKey, delegate: Facade | undefined): Facade {
  return {
    ...code,
    depth: delegate === undefined ? 0 : delegate.depth + 1,
    delegate,
    delegateFor: delegate === undefined ? undefined : stubFactory(delegate),
    prefix,
    prefixesInward: [prefix, ...(delegate?.prefixesInward ?? [])]
  }
}

export function nameOf(facade: FacadeCode): string {
  const name = `${facade.className} (version ${facade.revision})`
  return facade.role === 'object' ? name : `the ${facade.role} simulation object of ${name}`
}

function stubFactory(delegate: Facade): (request: DelegateCalls) => object {
  class Delegate {
    readonly #request: DelegateCalls

    constructor(request: DelegateCalls) {
      this.#request = request
    }

    static requestOf(stub: Delegate): DelegateCalls {
      return stub.#request
    }
  }
  for (const method of delegate.methods.values()) {
    Object.defineProperty(Delegate.prototype, method.name, {
      value(this: Delegate, ...args: unknown[]): Promise<unknown> {
        return Delegate.requestOf(this).callDelegate(delegate, method, args)
      }
    })
  }
  return request => new Delegate(request)
}
