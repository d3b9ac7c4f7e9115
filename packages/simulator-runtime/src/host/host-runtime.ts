import type { CodeRef, ErrorCode, HostPlan, InstarError, OldState, StateMeta } from '@instar/core'
import type { MethodKind } from '../contract/contract.js'
import type { BuildState } from './build/build-gauge.js'
import type { Database } from './state/merged-entries.js'
import type { CopiedState, CopyProgress } from './rehearse/copy-state.js'

/** What a host runtime needs of the process around it. */
export interface HostRuntimeInit {
  readonly plan: HostPlan
  /** The network's id; a state of another network is refused. */
  readonly network: string
  /** Imports a module of a bundle and gives its default export, whatever that is. */
  readonly load: (ref: CodeRef) => Promise<unknown>
  /** The LevelDB directory, opened by this process only. Created when it is not there. */
  readonly stateDirectory: string
  /** Opens it; for tests of what a disk does that fails. */
  readonly openState?: (directory: string) => Promise<Database>
  /** Makes a call to another peer; gives the encoded result, or throws a CallError. */
  readonly outgoing: (call: OutgoingCall) => Promise<Uint8Array>
  /** Wall clock, milliseconds since 1970. */
  readonly now: () => number
  /** In [0, 1): seeds what requests see as `ctx.random()`, and names spaces. */
  readonly random: () => number
  readonly log: HostLog
  /** Told of every step of opening the state, in order. */
  readonly onProgress: (progress: StateProgress) => void
  /** The state can no longer be written (a full disk, for one): commands are refused from now on, queries go on. Called once. */
  readonly onBroken?: (error: InstarError) => void
  /** A simulation object failed (§7): it is withdrawn, or where the object is on trial, the peer has to go back. Told again at each start. */
  readonly onSimulationFailed?: (failed: SimulationFailed) => void
  /** The state of a twin is complete and its version is served (§8). */
  readonly onBuilt?: (revision: number) => void
  /** How far the state of a twin is; told after every slice. */
  readonly onBuilding?: (progress: BuildProgress) => void
  /** Names sessions of calls to others: 32 hexadecimal digits that cannot be guessed. Drawn from the system by default. */
  readonly newSession?: () => string
  readonly limits?: Partial<HostRuntimeLimits>
}

/** Of a state that is being built beside the object. */
export interface BuildProgress extends BuildState {
  readonly revision: number
}

/** A plan that a running host has taken over. */
export interface TakenOver {
  readonly meta: StateMeta
  /** How long commands waited for it; queries did not. */
  readonly pauseMs: number
}

/** A simulation object that has failed (§7). */
export interface SimulationFailed {
  readonly revision: number
  readonly role: 'past' | 'future'
  /** One sentence that names class, version and method. */
  readonly cause: string
  /** Why its machine could not build its state, where it is that: nothing is wrong with its code. What serves is not touched by it. */
  readonly machine?: ErrorCode
}

/** The part of pino's Logger that is used. */
export interface HostLog {
  /** An event of ordinary life. */
  info(detail: object, message: string): void
  /** Something that somebody should look at. */
  warn(detail: object, message: string): void
}

/** Bounds of one host; a call above them is refused, nothing is queued without end. */
export interface HostRuntimeLimits {
  /** How long a state that another process has open is waited for: an orphan of a killed peer ends within a fraction of it. */
  readonly lockedMsMax: number
  /** Sessions kept; the least recently used is forgotten first. */
  readonly sessionsMax: number
  /** Requests of one session between `doneBelow` and its newest. */
  readonly sessionWindow: number
  /** A larger answer is not kept: its repeat is answered `AnswerTooOld` (§12). */
  readonly keptAnswerBytesMax: number
  /** Commands that wait for the lane; above it `Busy`. */
  readonly commandsWaitingMax: number
  /** Queries under way; above it `Busy`. */
  readonly queriesMax: number
  /** Flows under way; above it `Busy`. */
  readonly flowsMax: number
  /** Time for one shadow, and for an interceptor in its delegate's place; never more than half of what the caller has left (P2). */
  readonly simulationMsMax: number
  /** How long a command may run at a version that is introduced and not upgraded to, whatever its deadline: commands of the version that runs wait behind it (P2). */
  readonly futureCommandMsMax: number
  /** How long commands may have to wait while a twin's state is built (§8). */
  readonly buildSliceMs: number
  /** As many changed entries are left for the end of a build, in which commands wait. */
  readonly buildLastRoundMax: number
  /** Upper bound of a request's remaining time. */
  readonly remainingMsMax: number
  /** Answers that `ctx.cache` keeps for one façade; the least recently used goes first. */
  readonly cacheEntriesMax: number
  /** The same in bytes. */
  readonly cacheBytesMax: number
  /** Calls that may wait in the outbox, of all commands together; a command that would pass it is answered `Busy`. */
  readonly outboxCallsMax: number
  /** The same for one receiver: a peer that does not come back takes up no more. */
  readonly outboxCallsPerPeerMax: number
  /** Bytes of all calls in the outbox. */
  readonly outboxBytesMax: number
  /** A call that could not be delivered for so long is given up, which is logged and counted. */
  readonly outboxAgeMsMax: number
  /** So often it is tried in any case. */
  readonly outboxAttemptsMin: number
  /** Time for one attempt. */
  readonly outboxAttemptMs: number
  /** Between the first attempt and the second; it doubles from there. */
  readonly outboxRetryMsMin: number
  readonly outboxRetryMsMax: number
}

/** A call that a query makes to the object of another peer. */
export interface OutgoingCall {
  readonly peer: string
  readonly className: string
  /** The version of the façade that calls (R2). */
  readonly version: number
  readonly method: string
  readonly args: Uint8Array
  /** What the caller takes the method for. A query takes no number; a command without `request` is to be given one (§12). */
  readonly kind: MethodKind
  /** The call has its request id already: to be sent once, without retries. */
  readonly request?: { readonly session: string; readonly seq: number; readonly doneBelow: number }
  readonly remainingMs: number
  /** How many peers it has come through, this one included; 0 for an operator's, which begins here. */
  readonly hops: number
  /** The methods that led to it, for people: `Class.method at …peer → Class.method`. */
  readonly trail: string
  readonly signal: AbortSignal
}

/** A step of opening the state. */
export type StateProgress =
  | { readonly stage: 'opened' }
  | { readonly stage: 'transforming'; readonly to: number; readonly done: number; readonly total?: number }
  | { readonly stage: 'transformed'; readonly to: number }

/** What is used of a caller's signal. Every `AbortSignal` is one, but making one costs as much as a short call. */
interface CallerSignal {
  readonly aborted: boolean
  addEventListener(type: 'abort', listener: () => void): void
  removeEventListener(type: 'abort', listener: () => void): void
}

/** A call as the router passes it on. */
export interface CallRequest {
  /** Which façade (§6); the router has mapped `version` to it. */
  readonly revision: number
  /** The caller's version, for messages. */
  readonly version: number
  readonly className?: string
  readonly method: string
  /** The argument array, encoded (`encodeValue`). */
  readonly args: Uint8Array
  /** 16 bytes as hexadecimal digits. Counted for commands and flows only: queries take no sequence numbers. */
  readonly session?: string
  /** From 1; with `session` it names the request (§12). */
  readonly seq: number
  /** The caller has the answers of all its requests below this one. */
  readonly doneBelow: number
  readonly remainingMs: number
  /** Of a call that another object's query makes: see `OutgoingCall`. */
  readonly hops?: number
  readonly trail?: string
  readonly caller: string
  /** Aborted when the caller no longer waits. */
  readonly signal: CallerSignal
}

/**
 * The object and its simulation objects in one process, without the process: no sockets, no messages to a parent. In order: `load`, `open`,
 * any number of `call`s, `drain`, `close`.
 */
export interface HostRuntime {
  /** Imports and checks every module of the plan. @throws InstarError BundleLoadFailed, naming class, version and cause */
  load(): Promise<void>
  /**
   * Opens the state database and brings it to the plan; killed anywhere it starts again from the state that it found (R13). Waits some seconds
   * for a process that has it open: the host before, which is letting go of it, or an orphan of a killed peer, which ends within a moment.
   *
   * @throws InstarError StateDamaged, WrongNetwork, DataDirectoryInUse, DiskFull, TransformFailed, TransformTimeout, Stopped
   */
  open(signal: AbortSignal): Promise<StateMeta>
  /** Answers with the encoded result. @throws CallError */
  call(request: CallRequest): Promise<Uint8Array>
  /**
   * Serves another plan from now on, where that loads no code and builds no state: a twin becomes the object or stops being it, a trial has
   * ended (§8). One durable write; no call waits longer. `undefined` where the plan asks for more: it needs a process of its own (§10).
   */
  takeOver(plan: HostPlan): Promise<TakenOver | undefined>
  /**
   * Lets go of the states of earlier versions but these, by their generations, and says which there are then. One durable write; what is let
   * go is deleted in the background, in slices. `undefined` while no state is open.
   */
  keepStates(stay: readonly number[] | 'all'): Promise<readonly OldState[] | undefined>
  /** When every twin of the plan is served, or one has failed. */
  built(): Promise<void>
  /**
   * Builds what it can of the state that another plan's process will need, while calls go on (§8): a transform by entries whose code is here.
   * What changes until `close` is added there; aborted, what was built is given up. Resolves at once where there is nothing to prepare.
   *
   * @throws InstarError TransformFailed
   */
  prepare(plan: HostPlan, signal: AbortSignal): Promise<void>
  /**
   * Copies the state as it is at one moment into a directory that is not there yet, while calls go on, in small parts with pauses. Ends with
   * `drain` and `close`; what was copied until then is left.
   *
   * @throws InstarError Stopped, DiskFull, StateDamaged
   */
  copyState(to: string, options: CopyOptions): Promise<CopiedState>
  /**
   * Has the database write what only its log holds into tables, beside calls: who opens a state replays its log first, and callers wait for that.
   * Changes no answer; where it fails, the opening takes longer.
   */
  settle(): Promise<void>
  /**
   * Ends what runs. Flows, and queries that wait for other peers, are told by `ctx.signal`; what is not done by the deadline is cut off and
   * answered `Upgrading`. New calls are answered so at once. What waits in the outbox is not waited for.
   */
  drain(deadlineMs: number): Promise<{ readonly cut: number }>
  /**
   * Releases the state database. What still runs is cut off.
   *
   * @param onWritten called as soon as nothing is written any more: who opens it next may begin to try. To let go of a gigabyte takes a tenth
   *   of a second more, and nobody has to wait for that
   */
  close(onWritten?: () => void): Promise<void>
  /** What is served here, for routing, status and `instar call`. */
  describe(): readonly FacadeDescription[]
  /** Counts since the start, and what is under way now. */
  stats(): HostStats
}

interface CopyOptions {
  readonly signal: AbortSignal
  /** Told after every part. */
  readonly onProgress: (progress: CopyProgress) => void
}

/** A façade, its methods, and which of them it refuses as a whole. */
export interface FacadeDescription {
  readonly revision: number
  readonly role: 'object' | 'past' | 'future'
  readonly className: string
  /** The name of the class that implements it, as it stands on a stack; empty where it has none. */
  readonly implementation: string
  readonly methods: ReadonlyArray<{ readonly name: string; readonly kind: MethodKind; readonly disallowed?: string }>
}

/** Counts of one host since its start; `running`, `waiting` and `sessions` are as of now. */
export interface HostStats {
  readonly commands: number
  readonly queries: number
  readonly flows: number
  readonly disallowed: number
  /** Calls that failed by our side's fault: threw what the contract does not know, answered outside it, or overran. */
  readonly faults: number
  readonly repeats: number
  /** Simulation objects of the plan that are not served, because they failed. */
  readonly withdrawn: number
  /** Revisions of twins whose state is not complete yet. */
  readonly building: readonly number[]
  /** States that nothing needs any more are being deleted. */
  readonly cleaning: boolean
  readonly running: number
  readonly waiting: number
  readonly sessions: number
  readonly commits: number
  readonly outbox: OutboxStats
  /** Answers that `ctx.cache` had. */
  readonly cacheHits: number
}

/** Calls that commands have left for other peers (§9), since this host started. */
export interface OutboxStats {
  readonly waiting: number
  readonly delivered: number
  /** Answered with an error that is final. */
  readonly refused: number
  /** Too old, or what became of them cannot be found out. */
  readonly givenUp: number
}
