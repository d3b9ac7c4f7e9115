import { flawed } from '../flaw.js'
import { areEqual, show } from '../plain-values.js'
import type { Executed } from './link.js'
import { isError, type LoneObject, type RequestMoment } from './lone-object.js'
import type { MemoryState } from './memory-state.js'

/** A call that another amounts to, at another version. */
export interface Equivalent {
  readonly method: string
  readonly args: readonly unknown[]
  readonly result: unknown
}

/** Calls of a contract to try, by contract. */
export type EquivalentSource = (target: EquivalentTarget) => readonly Equivalent[]

/**
 * Calls that do what a shadow did, where nothing was seen to say so (a direct simulation object casts none): none at all, the same call, or
 * one of some samples. `undefined`: not found, so nothing more is known further out.
 */
export async function equivalentOf(
  target: EquivalentTarget,
  samples: EquivalentSource
): Promise<readonly Executed[] | undefined> {
  if (areEqual(await target.reads(target.object.state), target.value)) return []
  const methods = target.object.contract.methods
  const same = target.origin.flatMap(({ method, args, result }) =>
    methods[method]?.kind === 'command' ? [{ method, args, result }] : []
  )
  for (const calls of [same, ...[...same, ...samples(target)].map(each => [each])]) {
    const executed = await runAll(target.object, calls, target.moment)
    const last = executed?.at(-1)
    if (last !== undefined && areEqual(await target.reads(last.after), target.value)) return executed
  }
  return undefined
}

/** Shadows are told of arguments as the method got them. */
export async function validated(
  object: LoneObject,
  method: string,
  args: readonly unknown[]
): Promise<readonly unknown[]> {
  const checked = await object.contract.methods[method]?.input['~standard'].validate(args)
  return checked === undefined || checked.issues !== undefined ? args : checked.value
}

/** Runs calls one after the other on a copy; `undefined` when one of them fails. */
export async function runAll(
  from: LoneObject,
  calls: readonly Equivalent[],
  moment: RequestMoment
): Promise<readonly Executed[] | undefined> {
  const object = from.copy()
  const executed: Executed[] = []
  for (const { method, args } of calls) {
    const before = object.state.copy()
    const answer = await object.call(method, args, moment)
    if (isError(answer)) return undefined
    executed.push({
      method,
      args: await validated(object, method, args),
      result: answer.value,
      before,
      after: object.state.copy(),
      now: moment.now
    })
  }
  return executed
}

export interface EquivalentTarget {
  readonly object: LoneObject
  /** What the shadow has made of its value. */
  readonly value: unknown
  readonly reads: (state: MemoryState) => Promise<unknown>
  readonly moment: RequestMoment
  /** What the shadow was cast for. */
  readonly origin: readonly Executed[]
}

/** The calls that the code says its shadow amounts to do what the shadow does (§7). */
export async function assertEquivalent(
  executed: readonly Executed[] | undefined,
  calls: readonly Equivalent[],
  target: EquivalentTarget,
  version: number
): Promise<void> {
  const words = calls.map(each => `${each.method}(${each.args.map(show).join(', ')})`).join('; ') || 'no call'
  const origin = target.origin.map(each => `${each.method}(${each.args.map(show).join(', ')})`).join('; ')
  const what = `at version ${version}, ${origin} amounts to ${words} according to the code`
  const expected = show(target.value)
  if (executed === undefined) throw flawed('shadow', `${what}, which fails there`, { expected })
  const actual = await target.reads(executed.at(-1)?.after ?? target.object.state)
  if (!areEqual(actual, target.value)) {
    throw flawed('shadow', `${what}, which is not what its shadow amounts to`, { expected, actual: show(actual) })
  }
  for (const [i, { result }] of calls.entries()) {
    const real = executed[i]?.result
    if (areEqual(result, real)) continue
    throw flawed('shadow', `${what}, and ${calls[i]?.method ?? ''} would answer otherwise`, {
      expected: show(real),
      actual: show(result)
    })
  }
}
