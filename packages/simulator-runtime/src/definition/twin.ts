import type { Contract, ObjectOf } from '../contract/contract.js'
import type { EncodingOptions } from '../state/state-view.js'
import type { ObjectContext } from './context.js'
import type { NoOtherShadows, ShadowsOf } from './shadow.js'

/**
 * A class on full state of its own that is told of the other version's commands: usually `class extends TheClass` with a `$m` for every
 * command `m` of the other version (§8).
 */
export type TwinClass<Serves extends Contract, Other extends Contract, Instance, Refused> = new (
  ctx: ObjectContext
) => Instance & NoOtherShadows<Instance, Other> & Omit<ObjectOf<Serves>, keyof Refused> & ShadowsOf<Other, Serves>

/** One side of a twin in full; a bare class means `{ implementation }`. */
export interface TwinSideInit<Serves extends Contract, Other extends Contract, Instance, Refused> {
  readonly implementation: TwinClass<Serves, Other, Instance, Refused>
  /** Methods that are refused while this side is the simulation object, each with the reason that callers read (R8). */
  readonly disallow?: Refused & { readonly [M in Exclude<keyof Refused, keyof Serves['methods']>]: never }
}

/**
 * Old and new class side by side, each on full state of its own (§8): every command runs on its version's state and its shadow on the
 * other's, in one batch. Upgrade and going back are then one durable pointer write, and going back loses nothing (R22).
 */
export interface TwinInit<From extends Contract, To extends Contract, FutureRefuses, PastRefuses, Future, Past> {
  /** Builds the new state from the old one, entry by entry, when the new version is introduced. */
  readonly map: Mapping
  /** Serves the new version before the upgrade: the new class, with a shadow for every command of the old one. */
  readonly future: TwinClass<To, From, Future, FutureRefuses> | TwinSideInit<To, From, Future, FutureRefuses>
  /** Serves the old version after the upgrade: the old class, with a shadow for every command of the new one. */
  readonly past: TwinClass<From, To, Past, PastRefuses> | TwinSideInit<From, To, Past, PastRefuses>
}

/**
 * Writes what one entry of the old state amounts to in the new one. Everything that a call writes belongs to that entry: when the entry, or
 * another one that the call has read, changes while the new state is being built, what it wrote is taken back and the call is made again;
 * two entries must not write the same key. It sees no other new state, makes no remote call (R14), and is the same whenever it is asked.
 */
export type Mapping = (entry: MappedEntry, states: MappingStates) => void | Promise<void>

/** One entry of the old state. */
export interface MappedEntry {
  /** The names of the sublevels that the entry lies in, outermost first; empty at the top. */
  readonly sublevel: readonly string[]
  /** In its sublevel, as `utf8`. */
  readonly key: string
  /** As `json`. */
  readonly value: unknown
  /** Key and value in other encodings. */
  decode<K = string, V = unknown>(encodings: EncodingOptions): { readonly key: K; readonly value: V }
}

/** The two states as a {@link Mapping} sees them. */
export interface MappingStates {
  readonly oldState: MappingReads
  readonly newState: MappingWrites
}

/** Other entries of the old state, by key: which were read is remembered, so ranges cannot be. */
export interface MappingReads {
  /** The value of a key, or `undefined`. */
  get<K = string, V = unknown>(key: K, options?: EncodingOptions): Promise<V | undefined>
  /** The values of several keys, in their order. */
  getMany<K = string, V = unknown>(keys: readonly K[], options?: EncodingOptions): Promise<Array<V | undefined>>
  /** Whether there is a value. */
  has<K = string>(key: K, options?: Pick<EncodingOptions, 'keyEncoding'>): Promise<boolean>
  /** A part of the state whose keys begin with `!name!`. */
  sublevel(name: string, options?: EncodingOptions): MappingReads
}

/** The new state, to be written and not read. */
export interface MappingWrites {
  /** Writes a value; the key must be written for this entry alone. */
  put<K = string, V = unknown>(key: K, value: V, options?: EncodingOptions): Promise<void>
  /** A part of the state whose keys begin with `!name!`. */
  sublevel(name: string, options?: EncodingOptions): MappingWrites
}
