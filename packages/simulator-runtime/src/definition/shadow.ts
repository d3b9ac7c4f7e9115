import type { StandardSchemaV1 } from '@standard-schema/spec'
import type { ArgumentsOf, CommandsOf, Contract, DelegateOf, QueriesOf } from '../contract/contract.js'

/** The names of a contract's commands. */
export type CommandNames<C extends Contract> = keyof CommandsOf<C>['methods'] & string

type ResultOf<C extends Contract, M extends keyof C['methods']> = StandardSchemaV1.InferInput<C['methods'][M]['output']>

/**
 * What a shadow is told of one command that its delegate has executed (§7). `before` and `after` are the delegate as it was and as it is,
 * to be asked and not to be changed; what is not asked costs nothing.
 */
export interface Shadowed<Delegate extends Contract, M extends CommandNames<Delegate>> {
  /** As the method got them: validated. */
  readonly args: ArgumentsOf<StandardSchemaV1.InferOutput<Delegate['methods'][M]['input']>>
  readonly result: ResultOf<Delegate, M>
  readonly before: DelegateOf<QueriesOf<Delegate>>
  readonly after: DelegateOf<QueriesOf<Delegate>>
}

/** A call that says what a shadow amounts to at its own version; made by {@link callsOf}. It is not run, only passed on outward. */
export interface EquivalentCall<C extends Contract = Contract> {
  readonly contract: C
  readonly method: string
  readonly args: readonly unknown[]
  readonly result: unknown
}

/**
 * No calls of this version amount to the shadow: simulation objects further out that have to be told of every call are withdrawn.
 */
export const opaque = 'opaque' as const

/** The calls of the simulation object's own version that the shadowed call amounts to, in order; often one, possibly none. */
export type ShadowAnswer<Serves extends Contract> = ReadonlyArray<EquivalentCall<Serves>> | typeof opaque

/** One shadow for every command of the delegate: `$insert` for `insert`. */
export type ShadowsOf<Delegate extends Contract, Serves extends Contract> = {
  readonly [M in CommandNames<Delegate> as `$${M}`]: (
    call: Shadowed<Delegate, M>
  ) => ShadowAnswer<Serves> | Promise<ShadowAnswer<Serves>>
}

/** Refuses members that look like shadows and are the shadow of nothing. */
export type NoOtherShadows<Instance, Delegate extends Contract> = {
  readonly [
    K in keyof Instance as K extends `$${infer M}` ? (M extends CommandNames<Delegate> ? never : K) : never
  ]: never
}

/** What {@link callsOf} gives: a builder for every command of a contract. */
export type CallsOf<C extends Contract> = {
  readonly [M in CommandNames<C>]: (
    ...args: ArgumentsOf<StandardSchemaV1.InferInput<C['methods'][M]['input']>>
  ) => undefined extends ResultOf<C, M>
    ? EquivalentCall<C>
    : {
        /** The call with the result that it would have had. */
        answering(result: ResultOf<C, M>): EquivalentCall<C>
      }
}

/**
 * Builds equivalent calls with the types of a contract: `calls.insertColor(1, 'blue')`, and for a command with a result
 * `calls.take(1).answering('apple')`.
 */
export function callsOf<C extends Contract>(contract: C): CallsOf<C> {
  const calls: Record<string, unknown> = {}
  for (const method of Object.keys(contract.methods)) {
    calls[method] = (...args: unknown[]) => {
      const call: EquivalentCall<C> = { contract, method, args, result: undefined }
      return { ...call, answering: (result: unknown): EquivalentCall<C> => ({ ...call, result }) }
    }
  }
  return calls as CallsOf<C>
}
