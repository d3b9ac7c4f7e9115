import type { ErrorDetail, HostPlan, OldState, StateMeta, StateSpaces, SwitchStage } from '@instar/core'
import type { ChannelLimits } from '@instar/rpc'
import type { MethodKind } from '@instar/simulator-runtime'
import type {
  BuildProgress,
  FacadeDescription,
  OutboxStats,
  SimulationFailed,
  TakenOver,
  CopiedState,
  CopyProgress,
  RehearsalRun
} from '@instar/simulator-runtime/host'
import type { StageDetail } from './switch-result.js'

/**
 * What peer and host process say to each other on Node's own channel: control only, each request answered once, by the message named
 * or by `failed`. Calls go over the data socket, which is the process's file descriptor {@link dataDescriptor}.
 */
export type ToHost =
  /** Import all modules and native code; → `loaded`. `modules` maps `bundle/entry` to a path. */
  | {
      readonly type: 'load'
      readonly plan: HostPlan
      readonly network: string
      readonly modules: Readonly<Record<string, string>>
      readonly stateDirectory: string
      /** A rehearsal: no network, and no calls out. `copy`: of the transform alone, on a copy of the real state. */
      readonly scratch: boolean | 'copy'
      /** Of `copy`: the plan that leads back from the upgrade. */
      readonly back?: HostPlan
      /** For tests of what its end does to callers: it kills itself when so many commands are committed, before it answers the last. */
      readonly dieAfterCommand?: number
    }
  /** Open the state and walk the plan's steps; → `stage`…, `opened`. From then on calls are answered. */
  | { readonly type: 'open' }
  /** Give up the open that is under way, if its meta has not moved: → its `failed`. And what was prepared. */
  | { readonly type: 'cancel' }
  /** Serve another plan, if no other process is needed for it; → `tookOver`. */
  | { readonly type: 'takeOver'; readonly plan: HostPlan }
  /** Build beside calls what the plan's process will need; → `prepared`. `cancel` gives it up, also afterwards. */
  | { readonly type: 'prepare'; readonly plan: HostPlan }
  /** Write what only the log of the state holds where another process finds it without reading that; → `settled`. Changes no answer. */
  | { readonly type: 'settle' }
  /** Copy the state beside calls into a directory that is not there yet; → `copying`…, `copied` or `copyFailed`, whatever else is asked. */
  | { readonly type: 'copyState'; readonly to: string }
  | { readonly type: 'cancelCopy' }
  /**
   * Take the plan's steps on the copy and leave it as it was; → `stage`…, `rehearsed`. `first`: where the first run has built, to compare
   * with. `thenDieAt`: then begin again and die at this share of the way.
   */
  | { readonly type: 'rehearse'; readonly first?: StateSpaces; readonly thenDieAt?: number }
  /** Take no more calls and let running ones end until the deadline; → `drained`. */
  | { readonly type: 'drain'; readonly deadlineMs: number }
  /** Close the state, so that another process can open it. May be opened again; → `closed`. */
  | { readonly type: 'close' }
  /** Let go of the old states but these; → `kept`. Answered whatever else is under way. */
  | { readonly type: 'keep'; readonly states: readonly number[] | 'all' }
  /** → `stats`. Answered whatever else is under way. */
  | { readonly type: 'stats' }
  /** Close what is open, and end. */
  | { readonly type: 'exit' }

export type FromHost =
  | { readonly type: 'ready' }
  | { readonly type: 'loaded'; readonly facades: readonly FacadeDescription[] }
  | { readonly type: 'stage'; readonly stage: SwitchStage; readonly detail: StageDetail }
  /** `building`: the revisions of twins whose state is still being built; each is told by `built`. */
  | { readonly type: 'opened'; readonly meta: StateMeta; readonly building: readonly number[] }
  | { readonly type: 'built'; readonly revision: number }
  | { readonly type: 'building'; readonly progress: BuildProgress }
  /** Without `taken` it goes on as before: the plan needs another process. */
  | { readonly type: 'tookOver'; readonly taken?: TakenOver; readonly facades: readonly FacadeDescription[] }
  | { readonly type: 'prepared' }
  | { readonly type: 'settled' }
  | { readonly type: 'copying'; readonly progress: CopyProgress }
  | { readonly type: 'copied'; readonly copied: CopiedState }
  | (Omit<HostFailure, 'type'> & { readonly type: 'copyFailed' })
  | { readonly type: 'rehearsed'; readonly run: RehearsalRun }
  | { readonly type: 'drained'; readonly cut: number }
  | { readonly type: 'closed' }
  /** Without `states` they are what they were: none is open, or it could not be done. */
  | { readonly type: 'kept'; readonly states?: readonly OldState[] }
  | { readonly type: 'stats'; readonly memory: HostMemory; readonly outbox?: OutboxStats }
  /** The state can no longer be written: commands are refused, queries go on. */
  | { readonly type: 'broken'; readonly code: string; readonly message: string }
  /** A simulation object failed: it is withdrawn, or the peer has to go back (§7). */
  | { readonly type: 'simulationFailed'; readonly failed: SimulationFailed }
  | HostFailure
  /** Something was thrown that nobody caught; the process ends right after it. */
  | { readonly type: 'crashed'; readonly message: string }

export interface HostFailure {
  readonly type: 'failed'
  /** A code of the errors' closed union, or anything else that was thrown with a code. */
  readonly code: string
  readonly message: string
  readonly detail: ErrorDetail
}

/** Bytes. */
export interface HostMemory {
  /** See `ownMemory`. */
  readonly used: number
  readonly heapUsed: number
}

/** A socket pair made by the fork: it has no name, so nobody else can connect, and nothing is left behind by a kill. */
export const dataDescriptor = 4

/**
 * On the data socket a call by the object bears in `caller` the peer that it is for, and in `revision` the place of its method's kind in
 * this list: the peer numbers commands and flows that have no session yet (§12).
 */
export const outgoingKinds: readonly MethodKind[] = Object.freeze(['query', 'command', 'flow'])

/**
 * Of the data socket, at both ends: all that a peer may have held goes out at once when it is released. A process does not go silent
 * without ending, and one that computes for long is no broken connection: there are no keepalives.
 */
export const hostChannelLimits: Partial<ChannelLimits> = Object.freeze({
  servingMax: 20_000,
  pendingMax: 20_000,
  queuedBytesMax: 128 * 1024 * 1024,
  servingBytesMax: 128 * 1024 * 1024,
  keepaliveMs: 0,
  silenceMs: 0,
  stallMs: 0
})

export function moduleKey(ref: { readonly bundle: string; readonly entry: string }): string {
  return `${ref.bundle}/${ref.entry}`
}
