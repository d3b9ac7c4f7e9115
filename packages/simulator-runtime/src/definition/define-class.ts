import type { Contract, ObjectOf } from '../contract/contract.js'
import type { StateView } from '../state/state-view.js'
import type { DirectoryContext, ObjectContext } from './context.js'
import type { MappedEntry } from './twin.js'

/** Writes the state that a new object, or a new simulation object, starts from. Without one it starts from nothing. */
export type Initialize = (state: StateView) => void | Promise<void>

/** Writes the files that a new object starts from into its directory, which is empty. */
export type InitializeDirectory = (directory: string) => void | Promise<void>

/**
 * Reads one entry of a state as the methods of its class do, with their encodings and validators, and throws for one that they could not
 * read. Asked of every entry of a state that an upgrade has built, before any peer upgrades (R13).
 */
export type ReadEntry = (entry: MappedEntry) => void | Promise<void>

/** What a class may say besides contract and code. */
export interface ClassOptions {
  readonly state?: 'managed'
  readonly initialize?: Initialize
  readonly readEntry?: ReadEntry
}

/** What a class says whose state are files of its own (§8). */
export interface DirectoryClassOptions {
  readonly state: 'directory'
  readonly initialize?: InitializeDirectory
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
  readonly readEntry?: ReadEntry
  /** Its state is a directory (§8), which begins with what this writes. Absent: managed state. */
  readonly directory?: { readonly initialize?: InitializeDirectory }
}

/** The default export of a genesis class's entry file, and the `to` of an upgrade. */
export function defineClass<C extends Contract>(
  contract: C,
  implementation: new (ctx: ObjectContext) => ObjectOf<C>,
  options?: ClassOptions
): ClassDefinition<C>
/** A class that owns files: `ctx.directory` instead of `ctx.state`. What it gives up: docs/guide-authors.md, "Files of your own". */
export function defineClass<C extends Contract>(
  contract: C,
  implementation: new (ctx: DirectoryContext) => ObjectOf<C>,
  options: DirectoryClassOptions
): ClassDefinition<C>
export function defineClass<C extends Contract>(
  contract: C,
  given: new (ctx: never) => ObjectOf<C>,
  options: ClassOptions | DirectoryClassOptions = {}
): ClassDefinition<C> {
  // The overloads hold each to the context that it is given.
  const implementation = given as ClassDefinition<C>['implementation']
  const definition = { instar: 'class', format: 1, contract, implementation } as const
  if (options.state !== 'directory')
    return {
      ...definition,
      ...(options.initialize === undefined ? {} : { initialize: options.initialize }),
      ...(options.readEntry === undefined ? {} : { readEntry: options.readEntry })
    }
  const { initialize } = options
  return { ...definition, directory: initialize === undefined ? {} : { initialize } }
}
