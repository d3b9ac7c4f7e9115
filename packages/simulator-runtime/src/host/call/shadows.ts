import type { CommandAccess } from '../state/request-access.js'
import { ShadowAccess, ViewAccess } from '../state/request-access.js'
import type { Facade, FacadeMethod } from './facade.js'
import { failureOf, untold, type SimulationFailure } from './simulation-failure.js'
import type { Scope } from './scope.js'
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

/**
 * The rule of §7: whenever a façade executes a mutating call, every other façade whose delegate it is is shadowed, except the one that made
 * the call. From the centre outward: what a shadow amounts to at its own version shadows the next façade in turn. A shadow that fails fails
 * alone (P2): its simulation object is given up, with those that stand on it.
 */
export async function castShadows(scope: Scope, call: ExecutedCall, maker: Facade | undefined): Promise<void> {
  for (const each of call.facade.shadowedBy) {
    if (each === maker || scope.hasFailed(each)) continue
    const answer = await shadow(scope, each, call)
    if (answer === undefined) continue
    if (answer === 'opaque') {
      for (const next of each.shadowedBy) if (!scope.hasFailed(next)) scope.giveUp(untold(next, each, call.method.name))
      continue
    }
    for (const equivalent of answer)
      await castShadows(scope, { ...equivalent, facade: each, mark: call.mark }, undefined)
  }
}

type Answer = 'opaque' | ReadonlyArray<Pick<ExecutedCall, 'method' | 'args' | 'result'>>

/** `undefined`: it failed. */
async function shadow(scope: Scope, facade: Facade, call: ExecutedCall): Promise<Answer | undefined> {
  const name = `$${call.method.name}`
  const run = facade.shadows.get(call.method.name)
  const command = scope.access as CommandAccess
  const own = scope.lend('shadow', new ShadowAccess(command))
  const views: Scope[] = []
  const view = (mark?: number): object => {
    const made = scope.lend('view', new ViewAccess(command, mark))
    views.push(made)
    return call.facade.viewFor(made)
  }
  let before: object | undefined
  let after: object | undefined
  const told = {
    args: isolated(call.args),
    result: isolated(call.result),
    get before() {
      return (before ??= view(call.mark))
    },
    get after() {
      return (after ??= view())
    }
  }
  let failure: SimulationFailure
  try {
    if (run === undefined) throw new TypeError('there is no such shadow')
    const answer = await scope.inTime(
      Promise.resolve(run.call(own.instance(facade), told)).then(given => readAnswer(facade, given))
    )
    if (own.underWay || views.some(each => each.underWay)) {
      throw new TypeError('it answered while something that it began was still running')
    }
    return answer
  } catch (error) {
    failure = failureOf(facade, name, error)
  } finally {
    for (const each of [own, ...views]) each.end('the shadow has been cast')
  }
  scope.giveUp(failure)
  return undefined
}

/** Checked although often nobody stands further out: a wrong answer should show with two versions already, not only with three. */
async function readAnswer(facade: Facade, given: unknown): Promise<Answer> {
  if (given === 'opaque') return given
  if (!Array.isArray(given)) throw new TypeError('it answered neither a list of calls nor opaque')
  const calls: Array<Pick<ExecutedCall, 'method' | 'args' | 'result'>> = []
  for (const each of given as ReadonlyArray<{ method?: unknown; args?: unknown; result?: unknown } | null>) {
    const name = String(each?.method)
    const method = facade.methods.get(name)
    if (method === undefined || method.kind === 'query') throw new TypeError(`${name} is no command of its version`)
    const invalid = (part: string) => (flaw: string) => new TypeError(`${part} of the equivalent ${name}: ${flaw}`)
    const args = await validate<readonly unknown[]>(method.input, each?.args, invalid('the arguments'))
    await validate(method.output, each?.result, invalid('the result'))
    calls.push({ method, args, result: each?.result })
  }
  return calls
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
