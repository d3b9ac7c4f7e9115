import type { InstarError, CodeRef, HostPlan, OldState, StateMeta, StateSpaces, SwitchStage } from '@instar/core'
import type { CallHandler, Channel } from '@instar/rpc'
import type {
  BuildProgress,
  FacadeDescription,
  OutboxStats,
  SimulationFailed,
  TakenOver,
  CopiedState,
  RehearsalRun
} from '@instar/simulator-runtime/host'
import type { Logger } from 'pino'
import type { HostMemory } from './control-messages.js'
import type { HostRecord } from './host-record.js'
import type { CopyOptions } from './host-copy.js'
import type { ProcessExit } from './process-exit.js'
import type { StageDetail } from './switch-result.js'
import type { WatchLimits } from './watch-report.js'

/** One forked host and what may be asked of it. Requests are made one at a time; each fails when the process ends. */
export interface HostProcess {
  /** What it serves, or is to serve. */
  readonly plan: HostPlan
  readonly pid: number
  readonly channel: Channel
  /** @throws InstarError BundleLoadFailed, HostFailed, HostStartTimeout */
  load(signal?: AbortSignal): Promise<void>
  /** Resolves when it answers calls. @throws InstarError TransformFailed, TransformTimeout, StateDamaged, HostFailed, DiskFull, Stopped */
  open(options: OpenOptions): Promise<StateMeta>
  /**
   * Serves another plan from now on, where no other process is needed for it; `undefined` where one is.
   *
   * @throws InstarError HostFailed
   */
  takeOver(plan: HostPlan): Promise<TakenOver | undefined>
  /**
   * Builds beside calls what the process of another plan will need; see `HostRuntime.prepare`.
   *
   * @throws InstarError TransformFailed, HostFailed, Stopped
   */
  prepare(plan: HostPlan, signal: AbortSignal): Promise<void>
  /** What was prepared is not needed. */
  giveUp(): void
  /** Makes the next opening of the state short; see `HostRuntime.settle`. Not worth waiting for: resolves in any case, and soon. */
  settle(): Promise<void>
  /**
   * Copies its state beside calls; see `HostRuntime.copyState`. Does not get in the way of any other request. One at a time.
   *
   * @throws InstarError Stopped, DiskFull, StateDamaged, HostFailed
   */
  copyState(to: string, options: CopyOptions): Promise<CopiedState>
  /**
   * Of a rehearsal on a copy: one whole run of the plan's steps; see `TransformRehearsal.run`. With `thenDieAt` it begins another and kills
   * itself at this share of the way, or is to be killed, where nothing tells how far it is.
   *
   * @throws InstarError TransformFailed, TransformTimeout, DiskFull, StateDamaged, Stopped
   */
  rehearse(run: RehearsalOptions): Promise<RehearsalRun>
  /** @throws InstarError DrainTimeout when it does not even answer */
  drain(): Promise<{ readonly cut: number }>
  /** @throws InstarError HostFailed */
  close(): Promise<void>
  stats(): Promise<HostMeasures | undefined>
  /** See `HostRuntime.keepStates`; undefined too where it does not answer. */
  keepStates(stay: readonly number[] | 'all'): Promise<readonly OldState[] | undefined>
  /** Asks it to end; kills it when it has not ended soon. Resolves when it is gone. */
  end(): Promise<void>
  /** SIGKILL; resolves when it is gone, and its state can be opened by another. */
  kill(): Promise<void>
  readonly exited: Promise<ProcessExit>
  readonly alive: boolean
  /** What the plan serves; known once it is loaded. */
  readonly facades: readonly FacadeDescription[]
  /** Revisions of twins whose state is not complete yet, or whose state is being prepared, and how far each is. */
  readonly building: ReadonlyMap<number, BuildProgress>
}

/** What a host says of itself. */
interface HostMeasures {
  readonly memory: HostMemory
  /** Absent while its state is not open. */
  readonly outbox?: OutboxStats
}

export interface OpenOptions {
  readonly signal?: AbortSignal | undefined
  readonly onStage?: (stage: SwitchStage, detail: StageDetail) => void
}

interface RehearsalOptions extends OpenOptions {
  /** What the first run has built, to compare with. */
  readonly first?: StateSpaces | undefined
  readonly thenDieAt?: number | undefined
}

export interface HostProcessInit {
  readonly plan: HostPlan
  readonly network: string
  readonly stateDirectory: string
  readonly modulePath: (ref: CodeRef) => string | Promise<string>
  /** Answers calls that the object makes to other peers. */
  readonly onCall?: CallHandler
  readonly onBroken?: (error: InstarError) => void
  readonly onSimulationFailed?: (failed: SimulationFailed) => void
  readonly onBuilt?: (revision: number) => void
  readonly openMs?: number
  readonly log: Logger
  readonly now: () => number
  readonly watch?: WatchLimits
  /** Arguments of Node that confine a host that serves; see `confinement`. */
  readonly confined?: readonly string[]
  /** Keeps what becomes of the process, for the case that the peer is killed. */
  readonly record?: HostRecord
  /** A rehearsal: confined, without network. */
  readonly scratch?: { readonly execArgv: readonly string[]; readonly isCopy?: boolean; readonly back?: HostPlan }
  /** See `parseFaults`. */
  readonly dieAfterCommand?: number | undefined
}
