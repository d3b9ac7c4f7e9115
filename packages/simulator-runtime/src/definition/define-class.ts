import type { Contract, ObjectOf } from '../contract/contract.js'
import type { StateView } from '../state/state-view.js'
import type { ObjectContext } from './context.js'

/** Writes the state that a new object, or a new simulation object, starts from. Without one it starts from nothing. */
export type Initialize = (state: StateView) => void | Promise<void>

/** What a class may say besides contract and code. */
export interface ClassOptions {
  readonly initialize?: Initialize
}

/**
 * A class: contract and code. An instance is created for each request and frozen, so there is nothing to remember things in but
 * `ctx.state` (§9). Methods stand on the prototype.
 */
export interface ClassDefinition<C extends Contract = Contract> {
  readonly instar: 'class'
  readonly format: 1
  readonly contract: C
  /** Checked against the contract by {@link defineClass}; the contract carries the types from there on. */
  readonly implementation: new (ctx: ObjectContext) => object
  readonly initialize?: Initialize
}

/** The default export of a genesis class's entry file, and the `to` of an upgrade. */
export function defineClass<C extends Contract>(
  contract: C,
  implementation: new (ctx: ObjectContext) => ObjectOf<C>,
  options: ClassOptions = {}
): ClassDefinition<C> {
  return { instar: 'class', format: 1, contract, implementation, ...options }
}
