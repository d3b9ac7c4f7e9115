import { CallError } from '@instar/core'
import { decodeValue, encodeValue } from '../../codec/codec.js'
import type { Contract, MethodKind } from '../../contract/contract.js'
import type { Access } from '../state/access.js'
import type { CommandAccess } from '../state/request-access.js'
import { type QueryAccess } from '../state/request-access.js'
import type { OutgoingCall } from '../host-runtime.js'
import { FacadeContext, type RequestScope } from './context.js'
import type { Facade, FacadeMethod } from './facade.js'
import { disallowed, outOfContract, RequestOver } from './failures.js'
import { seededRandom } from './seeded-random.js'
import { validate } from './validate.js'

export interface ScopeInit {
  readonly kind: MethodKind
  readonly access: QueryAccess | CommandAccess
  readonly caller: string
  readonly remainingMs: () => number
  readonly now: () => number
  readonly random: () => number
  readonly outgoing: (call: OutgoingCall) => Promise<Uint8Array>
}

/** One request while it runs: its instances (one per façade, frozen, §9), its time and chance, its view of the state. */
export class Scope implements RequestScope {
  readonly access: Access & (QueryAccess | CommandAccess)
  readonly #init: ScopeInit
  readonly #instances: object[] = []
  /** Per depth, the command that runs there: a façade's delegate commands of one call run one after the other. */
  readonly #busy: Array<Promise<unknown> | undefined> = []
  #now: number | undefined
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
    return (this.#now ??= this.#init.now())
  }

  random(): number {
    this.#random ??= seededRandom(this.#init.random())
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

  /** From now on every view, stub and context of this request refuses. */
  end(why: string): void {
    if (this.#over !== undefined) return
    this.#over = why
    this.access.revoke(() => new RequestOver(why))
    this.#controller?.abort(new RequestOver(why))
  }

  /** Runs a method on this request's instance of a façade, with arguments that are valid. Gives what it returns, awaited or not. */
  run(facade: Facade, method: FacadeMethod, args: readonly unknown[]): unknown {
    return method.run.apply(this.#instance(facade), args as unknown[])
  }

  /** A call of a simulation object to its delegate. */
  callDelegate(delegate: Facade, method: FacadeMethod, args: readonly unknown[]): Promise<unknown> {
    try {
      if (this.#over !== undefined) throw new RequestOver(this.#over)
      if (method.disallowed !== undefined) throw disallowed(delegate, method.name, method.disallowed)
      if (method.kind === 'command' && this.#init.kind === 'query') {
        throw outOfContract(delegate, method.name, 'a query called this command of its delegate')
      }
      const valid = validate<readonly unknown[]>(method.input, args, flaw =>
        outOfContract(delegate, method.name, `its simulation object called it with invalid arguments: ${flaw}`)
      )
      if (method.kind === 'command') return this.#nestedCommand(delegate, method, valid)
      const answer =
        valid instanceof Promise
          ? valid.then(args => this.run(delegate, method, args))
          : this.run(delegate, method, valid)
      // The promise itself is passed on: awaiting it here would cost a turn per façade.
      return answer instanceof Promise ? answer : Promise.resolve(answer)
    } catch (error) {
      // eslint-disable-next-line @typescript-eslint/prefer-promise-reject-errors -- whatever it threw is passed on
      return Promise.reject(error)
    }
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
    if (this.#init.kind === 'command') {
      throw new CallError('OutgoingCallInCommand', {
        message: `a command of ${facade.className} called ${contract.name}.${method} of peer ${peer}: only queries may wait for other peers`
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
    delegate: Facade,
    method: FacadeMethod,
    valid: readonly unknown[] | Promise<readonly unknown[]>
  ): Promise<unknown> {
    const access = this.access as CommandAccess
    access.begin()
    const previous = this.#busy[delegate.depth]
    const { promise, resolve } = Promise.withResolvers<undefined>()
    this.#busy[delegate.depth] = promise
    let mark: number | undefined
    try {
      if (previous !== undefined) await previous
      const args = valid instanceof Promise ? await valid : valid
      mark = access.mark()
      return await this.run(delegate, method, args)
    } catch (error) {
      if (mark !== undefined) access.rollBack(mark, delegate.prefixesInward)
      throw error
    } finally {
      access.end()
      if (this.#busy[delegate.depth] === promise) this.#busy[delegate.depth] = undefined
      resolve(undefined)
    }
  }

  #instance(facade: Facade): object {
    const known = this.#instances[facade.depth]
    if (known !== undefined) return known
    const made = Object.freeze(new facade.implementation(new FacadeContext(this, facade)))
    this.#instances[facade.depth] = made
    return made
  }
}

/** Another peer's trouble is not this peer's: passed on as it is, `Unreachable` would send the caller looking in the wrong place. */
function peerCallFailed(error: unknown, facade: Facade, peer: string, contract: Contract, method: string): unknown {
  if (!(error instanceof CallError)) return error
  const reason = `${contract.name}.${method} of peer ${peer} failed with ${error.code}: ${error.detail.message}`
  return new CallError('Failed', { message: `${facade.className}: ${reason}`, reason })
}
