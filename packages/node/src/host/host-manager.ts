import type { CodeRef, HostPlan, StateMeta, SwitchStage } from '@instar/core'
import type { Logger } from 'pino'
import type { HostPort } from './host-port.js'
import type { StageDetail, SwitchResult } from './switch-result.js'

/** The one host of a peer (§10). `switchHost` is the only way to start one or to change what is served. */
export interface HostManager extends HostPort {
  /**
   * Replaces the running host, if any, by one of this plan: spawn, load, hold, drain, close, open, activate, release. When that fails the
   * host of the plan before serves again (P2). At most one is under way; a second call is a mistake of ours.
   *
   * `signal` cancels before calls are held and while a transform runs; once the state's meta has moved it does nothing.
   */
  switchHost(plan: HostPlan, options?: SwitchOptions): Promise<SwitchResult>
  stats(): HostStats
  /** Drains, closes and ends the host in bounded time; the process is killed if it does not comply. Ends a switch under way first. */
  stop(options?: { signal?: AbortSignal }): Promise<void>
}

export interface SwitchOptions {
  readonly signal?: AbortSignal
  readonly onStage?: (stage: SwitchStage, detail: StageDetail) => void
}

export interface HostManagerInit {
  readonly dataDirectory: string
  /** The absolute path of a module whose bundle is stored and verified. */
  readonly modulePath: (ref: CodeRef) => string
  /** The network id; a state of another network is refused. */
  readonly network: string
  /** Makes a call to another peer on behalf of the object (its version and class are in the call). Throws CallError. */
  readonly outgoing: (call: OutgoingCall) => Promise<Uint8Array>
  readonly log: Logger
  /** Monotonic milliseconds. */
  readonly now: () => number
  /** A host that served ended without having been told to. */
  readonly onExit: (exit: HostExit) => void
  readonly queue?: Partial<HoldLimits>
}

/** Bounds of what is held while a host is switched; beyond them a call is answered `Upgrading` with a time to retry. */
export interface HoldLimits {
  readonly callsMax: number
  readonly bytesMax: number
  readonly ageMaxMs: number
}

/** A call by the object to another peer (R2: it carries the version of the façade that makes it). */
export interface OutgoingCall {
  readonly peer: string
  readonly version: number
  readonly className: string
  readonly method: string
  readonly body: Uint8Array
  readonly remainingMs: number
  readonly signal: AbortSignal
}

export interface HostExit {
  readonly plan: HostPlan
  readonly code: number | null
  readonly signal: NodeJS.Signals | null
  /** What the process itself reported about an uncaught error, if it could. */
  readonly reported?: string
  /** The last of its standard error, bounded. */
  readonly lastStderr: string
  readonly uptimeMs: number
}

export interface HostStats {
  readonly plan?: number
  readonly pid?: number
  readonly meta?: StateMeta
  readonly serving: boolean
  readonly switching: boolean
  readonly uptimeMs?: number
  /** Resident and heap bytes as the host last reported them. */
  readonly memory?: { readonly rss: number; readonly heapUsed: number }
  readonly calls: { readonly running: number; readonly total: number; readonly cut: number; readonly resent: number }
  readonly held: { readonly calls: number; readonly bytes: number; readonly total: number; readonly refused: number }
  /** Of the last switch that held calls. */
  readonly lastPauseMs?: number
}
