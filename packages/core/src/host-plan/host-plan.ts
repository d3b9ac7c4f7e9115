/**
 * What a host process is to be (§10). A running host never loads code: every change of what is served is a new plan for a new process.
 *
 * Façades are named by *class revision* (§6): the version that brought the contract they serve. The peer maps a call's version to a
 * revision, so a version that leaves the class alone changes no plan.
 */
export interface HostPlan {
  readonly format: 1
  /** Grows with every plan of this peer; names the process in logs and journal. */
  readonly plan: number
  /** The class of the current object, for messages. */
  readonly className: string
  readonly object: ObjectPlan
  /** Nearest first on each side: past in descending, future in ascending order of revision. */
  readonly past: readonly SimulationPlan[]
  readonly future: readonly SimulationPlan[]
  /**
   * The way from an older object to this one, ascending: the host walks the part above the version that its state's `meta` names.
   * Empty when state and plan agree. A step without a transform carries the state over as it is.
   */
  readonly steps: readonly UpgradeStep[]
  /** Return to the state of before the upgrade, and how; set when the plan's object is older than `meta.current`. */
  readonly goBack: WayBack['by'] | undefined
  /** With `goBack: 'transform'`: the way from the newer object to this one, descending; the host walks the part below `meta.current`. */
  readonly reverse?: readonly ReverseStep[]
  /** How the upgrade that led to the object can still go back (§8); absent when it cannot, or not any more. */
  readonly wayBack?: WayBack
  readonly durability: 'os' | 'disk'
  readonly limits: HostLimits
}

/**
 * `copy`: the state of the version `to`, where the way began, is kept (`StateMeta.before`). `exact`: the old class lives on as a twin, and its
 * code is loaded too, so that going back needs no other process. `transform`: the object's module has a reverse transform, which is run then.
 */
export type WayBack =
  | { readonly by: 'copy'; readonly to: number }
  | { readonly by: 'exact'; readonly object: ObjectPlan }
  | { readonly by: 'transform' }

export interface ObjectPlan extends CodeRef {
  /** The newest version that changed this object's code; what `meta.current` holds. */
  readonly version: number
  /** The chain id prefix of that version (§6): the state remembers whose history it belongs to. */
  readonly chainId: string
  /** The version that brought its contract. */
  readonly revision: number
}

export interface SimulationPlan extends CodeRef {
  /** The contract that it serves. */
  readonly revision: number
  readonly model: SimulationModel
}

/**
 * How a simulation object relates to its delegate (R11): it sees its own calls; it takes the delegate's place; it is told of its calls; it
 * is the other version's class on full state of its own, and each of the two is told of the other's calls.
 */
export const simulationModels = ['direct', 'interceptor', 'shadowed', 'twin'] as const
/** One of {@link simulationModels}. */
export type SimulationModel = (typeof simulationModels)[number]

export interface UpgradeStep extends CodeRef {
  readonly from: number
  readonly to: number
  /** The chain id prefix of `to`. */
  readonly chainId: string
  readonly transform: TransformKind
  /** The contract's revision before and after; equal for a compatible upgrade. */
  readonly fromRevision: number
  readonly toRevision: number
}

/** One version back, by the reverse transform of the upgrade that had led away from it (§8). */
export interface ReverseStep extends CodeRef {
  /** The version that is left, and the one that is returned to. */
  readonly from: number
  readonly to: number
  /** The chain id prefix of `to`. */
  readonly chainId: string
  /** The contract's revision at the two; equal for a compatible upgrade. */
  readonly fromRevision: number
  readonly toRevision: number
}

/**
 * How an upgrade's new state comes about: the new class reads the old one's as it is; it is built aside in the pause; entry by entry, beside
 * the serving version before the pause and in it only what has changed since; it is a twin's, built beside the serving version at introduction.
 */
export const transformKinds = ['none', 'whole', 'entries', 'mapping'] as const
/** One of {@link transformKinds}. */
export type TransformKind = (typeof transformKinds)[number]

/** Where a class keeps its state: managed by the host, or in files of a directory that is its own (§8). */
export const stateKinds = ['managed', 'directory'] as const
/** One of {@link stateKinds}. */
export type StateKind = (typeof stateKinds)[number]

/** Which module of which bundle; the host manager turns it into a path. */
export interface CodeRef {
  readonly bundle: string
  readonly entry: string
}

/** Every module that a host of this plan loads. */
export function codeOfPlan({ object, past, future, steps, reverse = [], wayBack }: HostPlan): readonly CodeRef[] {
  return [object, ...past, ...future, ...steps, ...reverse, ...(wayBack?.by === 'exact' ? [wayBack.object] : [])]
}

/** What a host process may take. */
export interface HostLimits {
  /** Time for the process to start and load its code. */
  readonly loadMs: number
  /** Time for running calls to end once new ones are held. */
  readonly drainMs: number
  /** Time for the transform of one step. */
  readonly transformMs: number
  /** V8 heap of the process. */
  readonly heapMiB: number
}

/**
 * The record in the state database that is the single truth about which version runs (§10), written in one synced batch with whatever
 * it makes true. A *space* is a key prefix; spaces that meta does not name are left-overs and are deleted.
 */
export interface StateMeta {
  readonly format: 1
  readonly network: string
  /** Version of the object's code (`ObjectPlan.version`). */
  readonly current: number
  /** Its chain id prefix (R1). */
  readonly chainId: string
  readonly revision: number
  /** Grows with each built state; names spaces. */
  readonly generation: number
  readonly spaces: StateSpaces
  /** Simulation objects of the plan that failed and are not served any more (§7), by revision, with the cause. */
  readonly withdrawn?: {
    readonly past: Readonly<Record<string, string>>
    readonly future: Readonly<Record<string, string>>
  }
  /**
   * What a transform by entries has built of the object's state to the version of this chain id, while nobody can call it: complete as long as
   * no process has served since (§8).
   */
  readonly prepared?: { readonly chainId: string; readonly object: string; readonly past: string }
  /**
   * How far a switch through several versions has come (§14): the record of the step that was taken last, while this one still names the state
   * that the object goes back to if the switch does not come to its end. As with `prepared`: only as long as no process has served since.
   */
  readonly walked?: { readonly className: string; readonly meta: Omit<StateMeta, 'walked'> }
  /** The spaces of before the upgrade, kept until commit where the upgrade can go back by copy. */
  readonly before?: {
    readonly current: number
    readonly chainId: string
    readonly revision: number
    readonly spaces: StateSpaces
  }
  /** Of past simulation objects that are twins: which version's object the state was, and still would be. By revision. */
  readonly outgrown?: Readonly<Record<string, { readonly current: number; readonly chainId: string }>>
  /** States that nothing runs on any more, kept for the operator's restore as long as the peer's policy says. Oldest first. */
  readonly kept?: readonly KeptState[]
}

/** The state of an earlier version, as it was when the object left it. */
export interface KeptState {
  /** Of the record in which it became one of these; its name. */
  readonly generation: number
  readonly current: number
  readonly chainId: string
  readonly revision: number
  readonly spaces: StateSpaces
  /** Wall clock: what was acknowledged from here on is not in it. */
  readonly sinceMs: number
}

/** The key prefixes of the object and of the simulation objects that have state. */
export interface StateSpaces {
  readonly object: string
  /** By revision. */
  readonly past: Readonly<Record<string, string>>
  readonly future: Readonly<Record<string, string>>
}

/** How far a `switchHost` has come; each is reported once, in this order, some may be absent. */
export const switchStages = [
  'spawned',
  'loaded',
  'holding',
  'drained',
  'closed',
  'opened',
  'transforming',
  'transformed',
  'activated'
] as const
/** One of {@link switchStages}. */
export type SwitchStage = (typeof switchStages)[number]
