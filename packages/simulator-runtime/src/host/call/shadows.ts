import type { CommandAccess } from '../state/request-access.js'
import { ShadowAccess, ViewAccess } from '../state/request-access.js'
import type { DelegateCalls, Facade, FacadeMethod, Listener, ToldCode } from './facade.js'
import { failureOf, TryFailed, untold, type SimulationFailure } from './simulation-failure.js'
import { validate } from './validate.js'

/** A command that a façade has executed, or that amounts to what its shadow did. */
export interface ExecutedCall {
  readonly facade: Facade
  readonly method: FacadeMethod
  readonly args: readonly unknown[]
  readonly result: unknown
  /** In the command's overlay, from before the call. */
  readonly mark: number
}

/** A running request, as far as the shadows of its calls need it. */
export interface ShadowScope extends DelegateCalls {
  readonly access: unknown
  /** Whether something of it still runs although its method has returned. */
  readonly underWay: boolean
  hasFailed(facade: Facade): boolean
  giveUp(failure: SimulationFailure): void
  /** A scope of its own for a shadow or a view, over the same request. */
  lend(kind: 'shadow' | 'view', access: ShadowAccess | ViewAccess): ShadowScope
  /** @param code whose instance, where it is not the façade's own class */
  instance(facade: Facade, code?: ToldCode): object
  inTime<T>(answer: Promise<T>): Promise<T>
  end(why: string): void
}

/**
 * The rule of §7: whenever a façade executes a mutating call, every other façade whose delegate it is is shadowed, except the one that made
 * the call. What a shadow amounts to at its own version shadows the next façade in turn, away from where the call came from: outward from
 * the object, and from a twin inward too (§8). A shadow that fails fails alone (P2): its simulation object is given up, with those that
 * stand on it. Where it is a twin's delegate that would miss the call, the call has to go as well.
 */
export async function castShadows(scope: ShadowScope, call: ExecutedCall, maker: Facade | undefined): Promise<void> {
  for (const listener of call.facade.shadowedBy) {
    const { facade, blamed } = listener
    if (facade === maker || scope.hasFailed(blamed)) continue
    const answer = await shadow(scope, listener, call)
    if (answer === undefined) continue
    const next = facade.shadowedBy.filter(each => each.facade !== call.facade)
    if (answer === 'opaque') {
      for (const each of next) {
        if (!scope.hasFailed(each.blamed)) giveUp(scope, each, untold(each.blamed, facade, call.method.name))
      }
      continue
    }
    if (next.length === 0) continue
    for (const equivalent of answer) await castShadows(scope, { ...equivalent, facade, mark: call.mark }, call.facade)
  }
}

function giveUp(scope: ShadowScope, { facade, blamed }: Listener, failure: SimulationFailure): void {
  const isMissed = facade !== blamed
  scope.giveUp(isMissed ? { ...failure, again: true } : failure)
  if (isMissed) throw new TryFailed(failure)
}

const over = 'the shadow has been cast'

type Answer = 'opaque' | readonly Equivalent[]

/** `undefined`: it failed. */
async function shadow(scope: ShadowScope, listener: Listener, call: ExecutedCall): Promise<Answer | undefined> {
  const { facade, blamed } = listener
  const name = `$${call.method.name}`
  const run = listener.shadows.get(call.method.name)
  const own = scope.lend('shadow', new ShadowAccess(scope.access as CommandAccess))
  const told = new Told(scope, call)
  let failure: SimulationFailure
  try {
    if (run === undefined) throw new TypeError('there is no such shadow')
    const given = run.call(own.instance(facade, listener), told)
    const answer = await readAnswer(facade, given instanceof Promise ? await scope.inTime(given) : given)
    if (own.underWay || told.underWay) {
      throw new TypeError('it answered while something that it began was still running')
    }
    return answer
  } catch (error) {
    failure = failureOf(blamed, name, error)
  } finally {
    own.end(over)
    told.end()
  }
  giveUp(scope, listener, failure)
  return undefined
}

/** What a shadow is given. Its views are made when they are asked for, and end with it. */
class Told {
  readonly args: readonly unknown[]
  readonly result: unknown
  readonly #scope: ShadowScope
  readonly #call: ExecutedCall
  #before: ShadowScope | undefined
  #after: ShadowScope | undefined
  #ended = false

  constructor(scope: ShadowScope, call: ExecutedCall) {
    this.args = isolated(call.args)
    this.result = isolated(call.result)
    this.#scope = scope
    this.#call = call
  }

  get before(): object {
    this.#before ??= this.#view(this.#call.mark)
    return this.#call.facade.viewFor(this.#before)
  }

  get after(): object {
    this.#after ??= this.#view()
    return this.#call.facade.viewFor(this.#after)
  }

  get underWay(): boolean {
    return this.#before?.underWay === true || this.#after?.underWay === true
  }

  end(): void {
    this.#ended = true
    this.#before?.end(over)
    this.#after?.end(over)
  }

  #view(mark?: number): ShadowScope {
    const made = this.#scope.lend('view', new ViewAccess(this.#scope.access as CommandAccess, mark))
    if (this.#ended) made.end(over)
    return made
  }
}

/** Checked although often nobody stands further out: a wrong answer should show with two versions already, not only with three. */
function readAnswer(facade: Facade, given: unknown): Answer | Promise<Answer> {
  if (given === 'opaque') return given
  if (!Array.isArray(given)) throw new TypeError('it answered neither a list of calls nor opaque')
  const calls = given.map(each => readCall(facade, each as Written))
  return calls.some(each => each instanceof Promise)
    ? Promise.all(calls.map(each => Promise.resolve(each)))
    : (calls as Equivalent[])
}

type Equivalent = Pick<ExecutedCall, 'method' | 'args' | 'result'>
type Written = { readonly method?: unknown; readonly args?: unknown; readonly result?: unknown } | null | undefined

function readCall(facade: Facade, written: Written): Equivalent | Promise<Equivalent> {
  const name = String(written?.method)
  const method = facade.methods.get(name)
  if (method?.kind !== 'command') throw new TypeError(`${name} is no command of its version`)
  const invalid = (part: string) => (flaw: string) => new TypeError(`${part} of the equivalent ${name}: ${flaw}`)
  const args = validate<readonly unknown[]>(method.input, written?.args, invalid('the arguments'))
  // Another flaw may be found first, and then nobody waits for this one.
  if (args instanceof Promise) args.catch(() => undefined)
  const checked = validate(method.output, written?.result, invalid('the result'))
  const result = written?.result
  if (!(args instanceof Promise) && !(checked instanceof Promise)) return { method, args, result }
  const call = Promise.all([Promise.resolve(args), Promise.resolve(checked)]).then(([valid]) => ({
    method,
    args: valid,
    result
  }))
  call.catch(() => undefined)
  return call
}

/** Each shadow has values of its own: what it does to them is seen by nobody, least of all by the caller (P2). */
export function isolated<T>(value: T): T {
  return copy(value) as T
}

function copy(value: unknown): unknown {
  if (typeof value !== 'object' || value === null) return value
  if (Array.isArray(value)) return value.map(copy)
  if (value instanceof Date) return new Date(value)
  if (value instanceof Uint8Array) return value.slice()
  const prototype: unknown = Object.getPrototypeOf(value)
  // What a validator has made of plain data has an owner who knows how to copy it.
  if (prototype !== Object.prototype && prototype !== null) return value
  return Object.fromEntries(Object.entries(value).map(([key, each]) => [key, copy(each)]))
}
