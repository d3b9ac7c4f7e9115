import type { Contract, ObjectOf } from '../contract/contract.js'
import type { ReadOnlyStateView, StateView } from '../state/state-view.js'
import type { SimulationContext } from './context.js'
import type { ClassDefinition, Initialize, ReadEntry } from './define-class.js'
import type { EntriesTransform } from './entries.js'
import { healthDefinition, type HealthDefinition, type HealthInit } from './health.js'
import type { ReverseDefinition, ReverseInit } from './reverse.js'
import type { NoOtherShadows, ShadowsOf } from './shadow.js'
import type { Mapping, TwinClass, TwinInit, TwinSideInit } from './twin.js'

/** Methods that a simulation object refuses as a whole, each with the reason that callers read (R8). */
export type Disallow<C extends Contract> = { readonly [M in keyof C['methods']]?: string }

/** A plain class over a typed delegate. It implements every method (R6) but those that it disallows by declaration. */
export type SimulationClass<Delegate extends Contract, Methods> = new (ctx: SimulationContext<Delegate>) => Methods

/** What simulation objects of every model may say besides their code. */
interface SimulationOptions<Serves extends Contract, Refused> {
  readonly disallow?: Refused & { readonly [M in Exclude<keyof Refused, keyof Serves['methods']>]: never }
  readonly initialize?: Initialize
  /** Of its own state. */
  readonly readEntry?: ReadEntry
}

/** Sees the calls of its own version only. A bare class means this. */
export interface DirectInit<Delegate extends Contract, Serves extends Contract, Refused> extends SimulationOptions<
  Serves,
  Refused
> {
  readonly model?: 'direct'
  readonly implementation: SimulationClass<Delegate, Omit<ObjectOf<Serves>, keyof Refused>>
}

/**
 * Handles its own version, and is told of every other call of its delegate by its shadows, in the same atomic step (R11, §7): the class has
 * a method `$m` for every command `m` of the delegate.
 */
export interface ShadowedInit<
  Delegate extends Contract,
  Serves extends Contract,
  Refused,
  Instance
> extends SimulationOptions<Serves, Refused> {
  readonly model: 'shadowed'
  readonly implementation: SimulationClass<
    Delegate,
    Instance & NoOtherShadows<Instance, Delegate> & Omit<ObjectOf<Serves>, keyof Refused> & ShadowsOf<Delegate, Serves>
  >
}

/**
 * Takes its delegate's place for all callers (R11): two classes over one state, one for each version. `disallow` is for its own version;
 * of the delegate's nothing may be refused.
 */
export interface InterceptorInit<Delegate extends Contract, Serves extends Contract, Refused> extends SimulationOptions<
  Serves,
  Refused
> {
  readonly model: 'interceptor'
  readonly implementation: SimulationClass<Delegate, Omit<ObjectOf<Serves>, keyof Refused>>
  /** Serves the delegate's version instead of the delegate. */
  readonly instead: SimulationClass<Delegate, ObjectOf<Delegate>>
}

/** A simulation object in full; a bare class means `{ implementation }`. */
export type SimulationInit<Delegate extends Contract, Serves extends Contract, Refused, Instance> =
  | DirectInit<Delegate, Serves, Refused>
  | ShadowedInit<Delegate, Serves, Refused, Instance>
  | InterceptorInit<Delegate, Serves, Refused>

/**
 * Builds the new object's state (and the past simulation object's) from the old object's and the future simulation object's. May be
 * stopped and started again at any point: what it reads never changes, what it writes counts only when it has resolved (R13). It makes no
 * remote call (R14).
 */
export type Transform = (states: TransformStates) => void | Promise<void>

/** The states that a transform reads and builds. */
export interface TransformStates {
  /** Of a class with managed state; asked for the other kind, each of these throws. */
  readonly oldState: ReadOnlyStateView
  /** Of an old class with directory state: its directory, to be read only. */
  readonly oldDirectory: string
  /** Empty when this peer served the new version by no simulation object. */
  readonly futureState: ReadOnlyStateView
  readonly newState: StateView
  /** Of a new class with directory state: its directory, empty. What is written there is on disk before it counts. */
  readonly newDirectory: string
  /** Dropped when this peer will serve the old version by no simulation object. */
  readonly pastState: StateView
  /** Aborted when the peer stops or the transform has used up its time. */
  readonly signal: AbortSignal
}

/**
 * Looks at what the upgrade has made of a real state and throws where it is wrong: that nothing is lost, that sums agree. Runs on a copy
 * of the state of each peer before that peer upgrades, as long as the transform may take (R13); it can change nothing.
 */
export type Verify = (states: VerifiedStates) => void | Promise<void>

/** The states before and after an upgrade. Asked for another kind than the class has, a state or directory throws. */
export interface VerifiedStates {
  readonly oldState: ReadOnlyStateView
  readonly oldDirectory: string
  readonly futureState: ReadOnlyStateView
  readonly newState: ReadOnlyStateView
  readonly newDirectory: string
  /** Empty when this peer will serve the old version by no simulation object. */
  readonly pastState: ReadOnlyStateView
}

interface UpgradeEnds<From extends Contract, To extends Contract> {
  /** What is upgraded: the contract, or for a twin whose old class has an initial state the class itself. */
  readonly from: From | ClassDefinition<From>
  readonly to: ClassDefinition<To>
  /** Absent: nobody looks at what the transform has made of a state but the class that is to live with it. */
  readonly verify?: Verify
  /** How the trial is judged (§15). Absent: by the defaults. */
  readonly health?: HealthInit<To>
}

/** An upgrade whose simulation objects are the classes themselves (§8): what to write unless the state is too large to keep twice. */
interface TwinUpgradeInit<
  From extends Contract,
  To extends Contract,
  FutureRefuses extends Disallow<To>,
  PastRefuses extends Disallow<From>,
  Future,
  Past
> extends UpgradeEnds<From, To> {
  readonly twin: TwinInit<From, To, FutureRefuses, PastRefuses, Future, Past>
  readonly future?: never
  readonly past?: never
  readonly transform?: never
  /** A twin goes back exactly. */
  readonly reverse?: never
}

/** An upgrade with simulation objects over their delegate, and a transform in the switch. */
interface SimulatedUpgradeInit<
  From extends Contract,
  To extends Contract,
  FutureRefuses extends Disallow<To>,
  PastRefuses extends Disallow<From>,
  Future,
  Past
> extends UpgradeEnds<From, To> {
  readonly twin?: never
  /** Serves the new version on a peer that still runs the old class. */
  readonly future?: SimulationClass<From, ObjectOf<To>> | SimulationInit<From, To, FutureRefuses, Future>
  /** Serves the old version on a peer that runs the new class. */
  readonly past?: SimulationClass<To, ObjectOf<From>> | SimulationInit<To, From, PastRefuses, Past>
  /** Absent: the new class reads the old state as it is. A function is called once, in the pause; entries are taken before it. */
  readonly transform?: Transform | EntriesTransform
  /** What brings the old class back when the trial of the new one ends badly; the descriptor then says `back: transform` (§8). */
  readonly reverse?: ReverseInit
}

/** What an upgrade of one class is made of; only `from` and `to` have to be there. */
export type UpgradeInit<
  From extends Contract,
  To extends Contract,
  FutureRefuses extends Disallow<To>,
  PastRefuses extends Disallow<From>,
  Future,
  Past
> =
  | TwinUpgradeInit<From, To, FutureRefuses, PastRefuses, Future, Past>
  | SimulatedUpgradeInit<From, To, FutureRefuses, PastRefuses, Future, Past>

/** A simulation object as the host reads it from a bundle. */
export interface SimulationDefinition {
  readonly model: 'direct' | 'shadowed' | 'interceptor' | 'twin'
  readonly implementation: new (ctx: never) => object
  /** Of an interceptor: what serves its delegate's version. */
  readonly instead?: new (ctx: never) => object
  readonly disallow: Readonly<Record<string, string>>
  readonly initialize?: Initialize
  readonly readEntry?: ReadEntry
}

/** A class upgrade's code: ⟨old class, new class, TF, past SO, future SO⟩. The schedule is data in the descriptor. */
export interface UpgradeDefinition<From extends Contract = Contract, To extends Contract = Contract> {
  readonly instar: 'upgrade'
  readonly format: 1
  readonly from: From
  readonly to: ClassDefinition<To>
  readonly future?: SimulationDefinition
  readonly past?: SimulationDefinition
  /** One of these three at most. */
  readonly transform?: Transform
  readonly entries?: EntriesTransform
  /** Of a twin: what its transform is (§8). */
  readonly map?: Mapping
  readonly verify?: Verify
  readonly reverse?: ReverseDefinition
  readonly health?: HealthDefinition
}

/** The default export of an upgrade's entry file. */
export function defineUpgrade<
  From extends Contract,
  To extends Contract,
  // eslint-disable-next-line @typescript-eslint/no-empty-object-type -- nothing is refused
  FutureRefuses extends Disallow<To> = {},
  // eslint-disable-next-line @typescript-eslint/no-empty-object-type -- nothing is refused
  PastRefuses extends Disallow<From> = {},
  Future = object,
  Past = object
>(init: UpgradeInit<From, To, FutureRefuses, PastRefuses, Future, Past>): UpgradeDefinition<From, To> {
  const { to, twin } = init
  const from = contractOf(init.from)
  const verify = init.verify === undefined ? {} : { verify: init.verify }
  const health = init.health === undefined ? {} : { health: healthDefinition(init.health) }
  const ends = { instar: 'upgrade', format: 1, from, to, ...verify, ...health } as const
  if (twin !== undefined) {
    return {
      ...ends,
      future: twinSide(twin.future, to),
      past: twinSide(twin.past, 'instar' in init.from ? init.from : {}),
      map: twin.map
    }
  }
  return {
    ...ends,
    ...(init.future === undefined ? {} : { future: simulation(init.future) }),
    ...(init.past === undefined ? {} : { past: simulation(init.past) }),
    ...transformOf(init.transform),
    ...(init.reverse === undefined ? {} : { reverse: reverseOf(init.reverse, initializeOf(init.from)) })
  }
}

function reverseOf({ transform, ...said }: ReverseInit, initialize: Initialize | undefined): ReverseDefinition {
  if (typeof transform === 'function') return { transform, ...said }
  return { entries: transform, ...said, ...(initialize === undefined ? {} : { initialize }) }
}

function initializeOf(from: Contract | ClassDefinition): Initialize | undefined {
  return 'instar' in from ? from.initialize : undefined
}

function transformOf(
  given: Transform | EntriesTransform | undefined
): Pick<UpgradeDefinition, 'transform' | 'entries'> {
  if (given === undefined) return {}
  return typeof given === 'function' ? { transform: given } : { entries: given }
}

function contractOf<C extends Contract>(from: C | ClassDefinition<C>): C {
  return 'instar' in from ? from.contract : from
}

function twinSide<Serves extends Contract, Other extends Contract, Instance, Refused>(
  given: TwinClass<Serves, Other, Instance, Refused> | TwinSideInit<Serves, Other, Instance, Refused>,
  { initialize, readEntry }: Pick<ClassDefinition, 'initialize' | 'readEntry'>
): SimulationDefinition {
  const side = typeof given === 'function' ? { implementation: given } : given
  return simulation({
    ...side,
    model: 'twin',
    ...(initialize === undefined ? {} : { initialize }),
    ...(readEntry === undefined ? {} : { readEntry })
  })
}

interface AnySimulationInit {
  readonly model?: SimulationDefinition['model']
  readonly implementation: new (ctx: never) => object
  readonly instead?: new (ctx: never) => object
  readonly disallow?: object
  readonly initialize?: Initialize
  readonly readEntry?: ReadEntry
}

function simulation(given: (new (ctx: never) => object) | AnySimulationInit): SimulationDefinition {
  if (typeof given === 'function') return { model: 'direct', implementation: given, disallow: {} }
  return {
    model: given.model ?? 'direct',
    implementation: given.implementation,
    ...(given.instead === undefined ? {} : { instead: given.instead }),
    disallow: (given.disallow ?? {}) as Readonly<Record<string, string>>,
    ...(given.initialize === undefined ? {} : { initialize: given.initialize }),
    ...(given.readEntry === undefined ? {} : { readEntry: given.readEntry })
  }
}
