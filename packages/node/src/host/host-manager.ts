import {
  invariant,
  messageOf,
  type CodeRef,
  type HostPlan,
  type InstarError,
  type StateMeta,
  type SwitchStage
} from '@instar/core'
import type { CallHandler } from '@instar/rpc'
import type { FacadeDescription, OutgoingCall, SimulationFailed } from '@instar/simulator-runtime/host'
import type { Logger } from 'pino'
import { createCallGate } from './call-gate.js'
import { defaultHoldLimits, type HoldLimits } from './call-queue.js'
import type { HostMemory } from './control-messages.js'
import type { HostPort } from './host-port.js'
import { startHostProcess, type HostProcess, type ProcessExit } from './host-process.js'
import { runSwitch, type Serving } from './run-switch.js'
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
  stats(): Promise<HostStats>
  /** Cancels a switch under way; then drains, closes and ends the host in bounded time, killing it if it does not comply. */
  stop(): Promise<void>
}

interface SwitchOptions {
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
  /** The state can no longer be written (a full disk, for one): commands are refused, queries go on. */
  readonly onBroken?: (error: InstarError) => void
  /** A simulation object of the plan failed (§7): it is withdrawn, or where the object is on trial, the peer has to go back. */
  readonly onSimulationFailed?: (plan: HostPlan, failed: SimulationFailed) => void
  readonly queue?: Partial<HoldLimits>
  /** What a caller is told whose call is refused while no host serves. */
  readonly retryAfterMs?: number
  /** How long a process may take to open its state, besides its transforms; default 30 s. */
  readonly openMs?: number
  /** One host dies on purpose, see `parseFaults`. For tests. */
  readonly dieAfterCommand?: number | undefined
}

export interface HostExit extends ProcessExit {
  readonly plan: HostPlan
}

export interface HostStats {
  readonly plan?: number
  readonly pid?: number
  readonly meta?: StateMeta
  readonly facades: readonly FacadeDescription[]
  readonly serving: boolean
  readonly switching: boolean
  readonly uptimeMs?: number
  readonly memory?: HostMemory
  readonly calls: { readonly running: number; readonly total: number; readonly cut: number; readonly resent: number }
  readonly held: { readonly calls: number; readonly bytes: number; readonly total: number; readonly refused: number }
  /** From the first moment of holding to the release, of the last switch. */
  readonly lastPauseMs?: number
}

const retryAfterMsDefault = 250

export function createHostManager(init: HostManagerInit): HostManager {
  const { now, log } = init
  const gate = createCallGate({
    limits: Object.freeze({ ...defaultHoldLimits, ...init.queue }),
    now,
    retryAfterMs: init.retryAfterMs ?? retryAfterMsDefault
  })
  let serving: Serving | undefined
  let underWay: { readonly cancel: AbortController; readonly done: Promise<SwitchResult> } | undefined
  const ending = new Set<Promise<void>>()
  let stopped = false
  let lastPauseMs: number | undefined
  let { dieAfterCommand } = init

  /** On the host's socket `caller` of a call by the object names the peer to call. */
  const onCall: CallHandler = (header, body, { signal }) =>
    init.outgoing({
      peer: header.caller ?? '',
      className: header.className,
      version: header.version,
      method: header.method,
      args: body,
      remainingMs: header.remainingMs,
      signal
    })

  function start(plan: HostPlan): HostProcess {
    return startHostProcess({
      plan,
      network: init.network,
      stateDirectory: init.stateDirectory,
      modulePath: init.modulePath,
      onCall,
      onBroken: error => {
        log.error({ plan: plan.plan, code: error.code }, error.message)
        init.onBroken?.(error)
      },
      onSimulationFailed: failed => init.onSimulationFailed?.(plan, failed),
      log: log.child({ host: plan.plan }),
      ...(init.openMs === undefined ? {} : { openMs: init.openMs }),
      dieAfterCommand,
      now
    })
  }

  /** From now on this process's end is news. */
  function watch(next: Serving): void {
    serving = next
    const { host } = next
    void host.exited.then(exit => {
      if (serving?.host !== host) return
      serving = undefined
      dieAfterCommand = undefined
      // With a switch under way callers wait for its outcome.
      if (underWay !== undefined) gate.hold()
      else gate.down()
      log.warn({ plan: host.plan.plan, code: exit.code, signal: exit.signal }, 'the host ended by itself')
      init.onExit({ ...exit, plan: host.plan })
    })
  }

  async function switchHost(plan: HostPlan, options: SwitchOptions = {}): Promise<SwitchResult> {
    invariant(underWay === undefined, 'at most one switchHost is under way (§11)')
    invariant(!stopped, 'a stopped host manager starts no host')
    const cancel = new AbortController()
    const signal = options.signal === undefined ? cancel.signal : AbortSignal.any([options.signal, cancel.signal])
    const done = runSwitch({
      plan,
      // Taken out of the hands of `watch`: from here to its end the switch notices what becomes of it.
      serving: () => serving,
      take: () => {
        const taken = serving
        serving = undefined
        return taken
      },
      start,
      gate,
      now,
      log,
      signal,
      onServing: watch,
      // Its end takes longer than the whole pause: nobody waits for it but `stop`.
      onEnding: host => {
        const ended = host.end().finally(() => ending.delete(ended))
        ending.add(ended)
      },
      onStage: (stage, detail) => {
        try {
          options.onStage?.(stage, detail)
        } catch (thrown) {
          log.error({ stage }, `a listener for stages threw: ${messageOf(thrown)}`)
        }
      }
    })
    underWay = { cancel, done }
    try {
      const result = await done
      lastPauseMs = result.timings.pauseMs
      return result
    } finally {
      underWay = undefined
    }
  }

  async function stop(): Promise<void> {
    if (stopped) return
    stopped = true
    underWay?.cancel.abort()
    await underWay?.done.catch(() => undefined)
    const last = serving
    serving = undefined
    if (last === undefined) {
      gate.close()
      await Promise.all(ending)
      return
    }
    // Callers of what is cut are told so by the host; callers of what was held, or comes now, by the gate.
    const drained = last.host.drain().catch((thrown: unknown) => log.warn(messageOf(thrown)))
    gate.close()
    await drained
    await Promise.all([last.host.end(), ...ending])
  }

  return {
    call: (header, body, signal) => gate.call(header, body, signal),
    get serving() {
      return gate.state === 'open'
    },
    switchHost,
    stop,
    async stats() {
      const current = serving
      const counters = gate.counters()
      const memory = await current?.host.stats()
      return {
        ...(current === undefined
          ? { facades: [] }
          : {
              plan: current.host.plan.plan,
              pid: current.host.pid,
              meta: current.meta,
              facades: current.host.facades,
              uptimeMs: now() - current.since
            }),
        ...(memory === undefined ? {} : { memory }),
        ...(lastPauseMs === undefined ? {} : { lastPauseMs }),
        serving: gate.state === 'open',
        switching: underWay !== undefined,
        calls: {
          running: counters.running,
          total: counters.total,
          cut: counters.cut,
          resent: counters.resent
        },
        held: {
          calls: counters.held,
          bytes: counters.heldBytes,
          total: counters.heldTotal,
          refused: counters.refused
        }
      }
    }
  }
}
