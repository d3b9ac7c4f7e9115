import type { StandardSchemaV1 } from '@standard-schema/spec'
import type fc from 'fast-check'
import type { ArgumentsOf, Contract } from '../contract/contract.js'
import type { UpgradeDefinition } from '../definition/define-upgrade.js'
import type { CommandNames } from '../definition/shadow.js'
import type { ReadOnlyStateView, StateView } from '../state/state-view.js'

/** Between a class's real state and a plain value that says all that its methods can ever show; `write` starts from an empty state. */
export interface Lens<T> {
  /** The whole of a state as a plain value. */
  readonly read: (state: ReadOnlyStateView) => T | Promise<T>
  /** Makes an empty state mean the value. */
  readonly write: (value: T, state: StateView) => void | Promise<void>
}

type ArgumentsGiven<C extends Contract, M extends keyof C['methods']> = ArgumentsOf<
  StandardSchemaV1.InferInput<C['methods'][M]['input']>
>

/** One command that the class of one version has executed, as its shadow on the other version's value sees it. */
export interface SpecifiedCall<C extends Contract, M extends keyof C['methods'], Value> {
  /** As the method got them: validated. */
  readonly args: ArgumentsOf<StandardSchemaV1.InferOutput<C['methods'][M]['input']>>
  /** As the caller gets it. */
  readonly result: StandardSchemaV1.InferOutput<C['methods'][M]['output']>
  readonly before: Value
  readonly after: Value
  /** What `ctx.now()` was: milliseconds since 1970. */
  readonly now: number
}

/** For every command of `C`, what it amounts to on the other version's value (R9). Pure: gives the new value. */
export type SpecifiedShadows<C extends Contract, Own, Other> = {
  readonly [M in CommandNames<C>]: (other: Other, call: SpecifiedCall<C, M, Own>) => Other
}

/** Which calls a simulation object may refuse (R8): a reason for all of a method, or a function that gives one or `undefined`. */
export type SpecifiedRefusals<C extends Contract, Old, New> = {
  readonly [M in keyof C['methods']]?:
    | string
    | ((
        args: ArgumentsOf<StandardSchemaV1.InferOutput<C['methods'][M]['input']>>,
        states: { readonly old: Old; readonly new: New }
      ) => string | undefined)
}

/** Generates the argument tuples of a method. Small domains find more: calls have to meet on the same keys. */
export type ArgumentsArbitrary<Given> = (arbitraries: typeof fc) => fc.Arbitrary<Given>

/** A name that both versions have stands for both; each takes of it what its validator accepts. */
export type SpecifiedArguments<From extends Contract, To extends Contract> = {
  readonly [M in keyof From['methods'] | keyof To['methods']]?: ArgumentsArbitrary<
    | (M extends keyof From['methods'] ? ArgumentsGiven<From, M> : never)
    | (M extends keyof To['methods'] ? ArgumentsGiven<To, M> : never)
  >
}

/** R9 as code: how the states of two adjacent versions belong together. */
export interface SpecificationInit<From extends Contract, To extends Contract, Old, New> {
  readonly views: { readonly old: Lens<Old>; readonly new: Lens<New> }
  /** I: `true`, or what is wrong. Total: it must answer for every two values that can be reached. */
  readonly invariant: (old: Old, next: New) => true | string
  /** MF: the new value that an old one becomes at introduction. Total, and establishes the invariant. */
  readonly map: (old: Old) => New
  /**
   * A shadow for every command of either version. It may throw only where its precondition fails, which it never may when the call itself
   * could run.
   */
  readonly shadows: {
    /** The old class's commands, on the new value. */
    readonly old: SpecifiedShadows<From, Old, New>
    /** The new class's commands, on the old value. */
    readonly new: SpecifiedShadows<To, New, Old>
  }
  readonly disallow?: {
    /** Calls of the old version, where the new one runs. */
    readonly old?: SpecifiedRefusals<From, Old, New>
    /** Calls of the new version, where the old one runs. */
    readonly new?: SpecifiedRefusals<To, Old, New>
  }
  /** Absent: derived from the validators, where they tell what they accept (Standard JSON Schema). */
  readonly arguments?: SpecifiedArguments<From, To>
}

/** A specification as the checker reads it; the contracts carry the types. */
export interface Specification<From extends Contract = Contract, To extends Contract = Contract> {
  readonly instar: 'specification'
  readonly format: 1
  readonly from: From
  readonly to: To
  readonly init: SpecificationInit<Contract, Contract, unknown, unknown>
}

/**
 * The default export of an upgrade's specification file. Types are inferred from the upgrade and from what the views read: a command without
 * a shadow, or a shadow of no command, is a compile error.
 */
export function defineSpecification<From extends Contract, To extends Contract, Old, New>(
  upgrade: UpgradeDefinition<From, To>,
  init: SpecificationInit<From, To, Old, New>
): Specification<From, To> {
  return {
    instar: 'specification',
    format: 1,
    from: upgrade.from,
    to: upgrade.to.contract,
    // Contravariant in the values; the checker only ever hands a lens what it has read.
    init: init as unknown as SpecificationInit<Contract, Contract, unknown, unknown>
  }
}
