import type { StandardSchemaV1 } from '@standard-schema/spec'

/**
 * `query`: reads one snapshot, may call other peers. `command`: serialised, atomic, may change state. `flow`: not atomic, waits for other
 * peers and for commands and queries of its own object (§9).
 */
export type MethodKind = 'query' | 'command' | 'flow'

/** Validates the whole argument tuple of a method. */
export type ArgumentsSchema = StandardSchemaV1<readonly unknown[], readonly unknown[]>
/** Validates the result of a method. */
export type ResultSchema = StandardSchemaV1

/** One method of a contract; made by {@link query} and {@link command}. */
export interface Method<
  Kind extends MethodKind = MethodKind,
  Input extends ArgumentsSchema = ArgumentsSchema,
  Output extends ResultSchema = ResultSchema
> {
  readonly kind: Kind
  readonly input: Input
  readonly output: Output
}

/** What the callers of one version of a class may rely on: its name and its methods. */
export interface Contract<
  Name extends string = string,
  Methods extends Readonly<Record<string, Method>> = Readonly<Record<string, Method>>
> {
  readonly name: Name
  readonly methods: Methods
}

/** A method that changes nothing. `input` validates the argument tuple, `output` the result. */
export function query<Input extends ArgumentsSchema, Output extends ResultSchema>(
  input: Input,
  output: Output
): Method<'query', Input, Output> {
  return { kind: 'query', input, output }
}

/** A method that may change state; with its answer it takes effect wholly or not at all (R12). */
export function command<Input extends ArgumentsSchema, Output extends ResultSchema>(
  input: Input,
  output: Output
): Method<'command', Input, Output> {
  return { kind: 'command', input, output }
}

/**
 * A method of several steps: commands and queries of its own object and of others, each for itself. As a whole it is not atomic, and it is
 * never run a second time by a repeat: when its host ends in the middle, its caller is told that the outcome is unknown (§12).
 */
export function flow<Input extends ArgumentsSchema, Output extends ResultSchema>(
  input: Input,
  output: Output
): Method<'flow', Input, Output> {
  return { kind: 'flow', input, output }
}

/**
 * The contract of one version of a class.
 *
 * @param name what `className` is in descriptors: a letter, then letters, digits, dots, dashes, underscores
 */
export function defineContract<const Name extends string, Methods extends Readonly<Record<string, Method>>>(
  name: Name,
  methods: Methods
): Contract<Name, Methods> {
  return { name, methods }
}

/** The argument tuple that a validator gives or takes. */
export type ArgumentsOf<T> = T extends readonly unknown[] ? T : never

/** What a class that implements the contract must have: arguments as validated, results as the validator takes them. */
export type ObjectOf<C extends Contract> = {
  readonly [M in keyof C['methods']]: (
    ...args: ArgumentsOf<StandardSchemaV1.InferOutput<C['methods'][M]['input']>>
  ) =>
    | StandardSchemaV1.InferInput<C['methods'][M]['output']>
    | Promise<StandardSchemaV1.InferInput<C['methods'][M]['output']>>
}

/** The contract as a simulation object sees its delegate: inputs are validated on the way in, results come as the object gave them. */
export type DelegateOf<C extends Contract> = {
  readonly [M in keyof C['methods']]: (
    ...args: ArgumentsOf<StandardSchemaV1.InferInput<C['methods'][M]['input']>>
  ) => Promise<StandardSchemaV1.InferInput<C['methods'][M]['output']>>
}

/** The contract as a caller on another machine sees it. */
export type StubOf<C extends Contract> = {
  readonly [M in keyof C['methods']]: (
    ...args: ArgumentsOf<StandardSchemaV1.InferInput<C['methods'][M]['input']>>
  ) => Promise<StandardSchemaV1.InferOutput<C['methods'][M]['output']>>
}

/** The part of a contract with methods of these kinds. */
type PartOf<C extends Contract, Kind extends MethodKind> = Contract<
  C['name'],
  {
    readonly [M in keyof C['methods'] as C['methods'][M]['kind'] extends Kind ? M : never]: C['methods'][M]
  }
>

/** The part of a contract that a query may use of its delegate and of other peers: its queries. */
export type QueriesOf<C extends Contract> = PartOf<C, 'query'>

/** The part of a contract that may change state, and casts shadows. */
export type CommandsOf<C extends Contract> = PartOf<C, 'command'>

/** The part of a contract that a flow calls of its own object, each call atomic. */
export type AtomicOf<C extends Contract> = PartOf<C, 'query' | 'command'>

/** The commands of a contract as they are left for after a commit: nobody waits, so there is no answer. */
export type SendsOf<C extends Contract> = {
  readonly [M in keyof CommandsOf<C>['methods']]: (
    ...args: ArgumentsOf<StandardSchemaV1.InferInput<C['methods'][M]['input']>>
  ) => void
}
