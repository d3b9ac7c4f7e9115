import type { InstarError, CodeRef, HostPlan, OldState, StateMeta, SwitchStage } from '@instar/core'
import type {
  BuildProgress,
  FacadeDescription,
  OutboxStats,
  OutgoingCall,
  SimulationFailed,
  CopiedState
} from '@instar/simulator-runtime/host'
import type { Logger } from 'pino'
import type { HealthWatch } from '../health/health-watch.js'
import type { HoldLimits } from './call-queue.js'
import type { HostMemory } from './control-messages.js'
import type { Fault } from './fault-record.js'
import type { HostEnding } from './host-ending.js'
import type { HostRecord } from './host-record.js'
import type { HostPort } from './host-port.js'
import type { CopyOptions } from './host-copy.js'
import type { ProcessExit } from './process-exit.js'
import type { StageDetail, SwitchResult } from './switch-result.js'
import type { WatchLimits } from './watch-report.js'

/** The one host of a peer (§10). `switchHost` is the only way to start one or to change what is served. */
export interface HostManager extends HostPort {
  /**
   * Replaces the running host, if any, by one of this plan: spawn, load, hold, drain, close, open, activate, release. When that fails the
   * host of the plan before serves again (P2). At most one is under way; a second call is a mistake of ours.
   *
   * Where the running host can serve the plan too, it does, and nobody waits: a twin becomes the object, a trial has ended (§8).
   *
   * `signal` cancels before calls are held and while a transform runs; once the state's meta has moved it does nothing.
   */
  switchHost(plan: HostPlan, options?: SwitchOptions): Promise<SwitchResult>
  /**
   * Has the host that serves copy its state beside calls. A switch ends it.
   *
   * @throws InstarError Stopped, DiskFull, StateDamaged, HostFailed
   */
  copyState(to: string, options: CopyOptions): Promise<CopiedState>
  /** Why the host that serves cannot write its state any more: commands are refused, queries go on. Undefined while it can. */
  broken(): InstarError | undefined
  stats(): Promise<HostStats>
  /** Lets go of the old states but these, and says which there are then; undefined while no host serves. */
  keepStates(stay: readonly number[] | 'all'): Promise<readonly OldState[] | undefined>
  /** Cancels a switch under way; then drains, closes and ends the host in bounded time, killing it if it does not comply. */
  stop(): Promise<void>
}

export interface SwitchOptions {
  readonly signal?: AbortSignal
  /** Each stage as it is reached; `transforming` again a few times a second, with how far it is. */
  readonly onStage?: (stage: SwitchStage, detail: StageDetail) => void
}

export interface HostManagerInit {
  /** The directory of the state database; only host processes open it. */
  readonly stateDirectory: string
  /** The absolute path of a module, verified. Throwing an InstarError fails the switch with it. */
  readonly modulePath: (ref: CodeRef) => string | Promise<string>
  /** The network id; a state of another network is refused. */
  readonly network: string
  /** See `StateTables.look`; standard: nothing is looked at. @throws InstarError StateDamaged */
  readonly look?: (signal: AbortSignal, restFactor: number) => Promise<void>
  /** Makes a call to another peer on behalf of the object, at the version that the call carries (R2). @throws CallError */
  readonly outgoing: (call: OutgoingCall) => Promise<Uint8Array>
  readonly log: Logger
  /** Monotonic milliseconds. */
  readonly now: () => number
  /**
   * A host that served ended without having been told to. No new one is started: that is the engine's decision. When it happens during
   * a switch, that goes on, and starts the plan before again if it fails.
   */
  readonly onExit: (exit: HostExit) => void
  /** See `broken`; when it begins. */
  readonly onBroken?: (error: InstarError) => void
  /** A simulation object of the plan failed (§7): it is withdrawn, or where the object is on trial, the peer has to go back. */
  readonly onSimulationFailed?: (plan: HostPlan, failed: SimulationFailed) => void
  /** A method of a façade went wrong, or brought its host down. */
  readonly onFault?: (fault: Omit<Fault, 'count' | 'lastWallMs'>) => void
  /** How long a host's event loop may stand still, and how much memory its process may take. Default 10 s, 1.5 GiB. */
  readonly watch?: WatchLimits
  /** The state of a twin is complete and its version is served. */
  readonly onBuilt?: (plan: HostPlan, revision: number) => void
  readonly queue?: Partial<HoldLimits>
  readonly health?: Pick<HealthWatch, 'accountOf' | 'answered'>
  /** What a caller is told whose call is refused while no host serves. */
  readonly retryAfterMs?: number
  /** How long a process may take to open its state, besides its transforms; default 30 s. */
  readonly openMs?: number
  /** Hosts read and write nothing but their code and their state (Node's permission model). Default: what their user may. */
  readonly confined?: { readonly bundles: string; readonly copies: string }
  readonly record?: HostRecord
  /** One host dies on purpose, see `parseFaults`. For tests. */
  readonly dieAfterCommand?: number | undefined
}

export interface HostExit extends ProcessExit {
  readonly plan: HostPlan
  readonly ending: HostEnding
  /** All calls that may have brought it down were of this one. */
  readonly caller?: string
}

export interface HostStats {
  readonly plan?: number
  readonly pid?: number
  readonly meta?: StateMeta
  readonly facades: readonly FacadeDescription[]
  /** Twins whose state is being built. */
  readonly building?: readonly BuildProgress[]
  readonly serving: boolean
  readonly switching: boolean
  readonly uptimeMs?: number
  readonly memory?: HostMemory
  /** Calls that the object's commands have left for other peers (§9), since this host started. */
  readonly outbox?: OutboxStats
  readonly calls: { readonly running: number; readonly total: number; readonly cut: number; readonly resent: number }
  readonly held: { readonly calls: number; readonly bytes: number; readonly total: number; readonly refused: number }
  /** From the first moment of holding to the release, of the last switch. */
  readonly lastPauseMs?: number
}
