import { realpathSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'
import {
  InstarError,
  invariant,
  messageOf,
  type CodeRef,
  type HostPlan,
  type OldState,
  type StateMeta,
  type SwitchStage
} from '@instar/core'
import type { CallHandler } from '@instar/rpc'
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
import { createCallGate } from './call-gate.js'
import { defaultHoldLimits, type HoldLimits } from './call-queue.js'
import { confinement } from './confinement.js'
import { moduleKey, outgoingKinds, type HostMemory } from './control-messages.js'
import type { Fault } from './fault-record.js'
import { createFaultReporter } from './fault-reporter.js'
import { isGuilty, isOf, judge, type HostEnding } from './host-ending.js'
import type { HostRecord } from './host-record.js'
import type { HostPort } from './host-port.js'
import type { CopyOptions } from './host-copy.js'
import { startHostProcess, type HostProcess } from './host-process.js'
import type { ProcessExit } from './process-exit.js'
import { createQuarantine } from './quarantine.js'
import { runSwitch, type Serving } from './run-switch.js'
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
  /** See `StateTables.look`; standard: nothing is looked at. @throws InstarError StateDamaged */
  readonly look?: (signal: AbortSignal, beside: boolean) => Promise<void>
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

const retryAfterMsDefault = 250
export function createHostManager(init: HostManagerInit): HostManager {
  const { now, log } = init
  const gate = createCallGate({
    limits: Object.freeze({ ...defaultHoldLimits, ...init.queue }),
    now,
    retryAfterMs: init.retryAfterMs ?? retryAfterMsDefault,
    health: init.health,
    onFailed: (header, error, elapsedMs) => faults.callFailed(header, error, elapsedMs, serving?.host.facades ?? [])
  })
  const broken = new WeakMap<HostProcess, InstarError>()
  const faults = createFaultReporter(fault => init.onFault?.(fault))
  const quarantine = createQuarantine(now)
  let serving: Serving | undefined
  let underWay: { readonly cancel: AbortController; readonly done: Promise<SwitchResult> } | undefined
  const ending = new Set<Promise<void>>()
  let servingCode = ''
  let stopped = false
  let lastPauseMs: number | undefined
  let { dieAfterCommand } = init
  const { stateDirectory } = init
  /** Found out at the first start, when the folders are there. */
  let confined: readonly string[] | undefined

  /** See {@link outgoingKinds} for what the header says on this socket. */
  const onCall: CallHandler = (header, body, { signal }) => {
    const { caller = '', revision = 0, session, seq, doneBelow, className, version, method, remainingMs } = header
    const kind = outgoingKinds[revision] ?? 'command'
    const request = session === undefined ? {} : { request: { session, seq, doneBelow } }
    return init.outgoing({
      peer: caller,
      className,
      version,
      method,
      kind,
      ...request,
      args: body,
      remainingMs,
      hops: header.hops ?? 1,
      trail: header.trail ?? '',
      signal
    })
  }

  /** Tells callers, the record of faults and whoever may call next what the end of a process means. */
  function bury(host: HostProcess, exit: ProcessExit): { ending: HostEnding; caller?: string } {
    const ending = judge(exit, host.plan, host.facades, gate.underWay(host.channel))
    // Where it is not known which calls it was, it may have been any.
    const caller = gate.onlyCaller(host.channel, call => ending.blame === undefined || isOf(ending.blame, call))
    // One that was told to end, or that a switch had taken over, says nothing about its code.
    if (serving?.host === host) {
      faults.hostEnded(ending)
      const entry = ending.blame?.entries.at(-1)
      if (entry !== undefined && ending.kind !== 'crashed') quarantine.add(entry, ending.cause)
    }
    gate.ended(host.channel, call => isGuilty(ending, call), ending.cause)
    return { ending, ...(caller === undefined ? {} : { caller }) }
  }

  function start(plan: HostPlan): HostProcess {
    if (init.confined !== undefined) confined ??= confinedTo(init.confined, stateDirectory)
    const host: HostProcess = startHostProcess({
      plan,
      network: init.network,
      stateDirectory: init.stateDirectory,
      modulePath: init.modulePath,
      onCall,
      onBroken: error => {
        log.error({ plan: plan.plan, code: error.code }, error.message)
        broken.set(host, error)
        init.onBroken?.(error)
      },
      onSimulationFailed: failed => {
        faults.withdrawn(host, failed)
        init.onSimulationFailed?.(host.plan, failed)
      },
      onBuilt: revision => init.onBuilt?.(host.plan, revision),
      log: log.child({ host: plan.plan }),
      ...(init.openMs === undefined ? {} : { openMs: init.openMs }),
      ...(init.watch === undefined ? {} : { watch: init.watch }),
      ...(confined === undefined ? {} : { confined }),
      ...(init.record === undefined ? {} : { record: init.record }),
      dieAfterCommand,
      now
    })
    // The watch over the one that serves does it itself: its cause goes further.
    void host.exited.then(exit => {
      if (serving?.host !== host) bury(host, exit)
    })
    return host
  }

  /** What needs no other process is no switch: only the record in the state changes. */
  async function takeOver(plan: HostPlan): Promise<SwitchResult | undefined> {
    const before = serving
    if (before === undefined) return undefined
    const begun = now()
    try {
      const taken = await before.host.takeOver(plan)
      if (taken === undefined || serving !== before) return undefined
      const { meta, pauseMs } = taken
      serving = { ...before, meta }
      const elapsedMs = now() - begun
      log.info({ plan: plan.plan, elapsedMs, pauseMs }, 'the running host has taken the plan over')
      const timings = { stagesMs: { activated: elapsedMs }, pauseMs, held: 0, cut: 0 }
      return { ok: true, meta, facades: before.host.facades, building: before.host.building, timings }
    } catch (thrown) {
      // It has ended, or it hangs: either way a switch is what helps.
      log.warn({ plan: plan.plan }, `the running host could not take the plan over: ${messageOf(thrown)}`)
      return undefined
    }
  }

  /** From now on this process's end is news. */
  function watch(next: Serving): void {
    serving = next
    const { host } = next
    void host.exited.then(exit => {
      if (serving?.host !== host) return
      dieAfterCommand = undefined
      // With a switch under way callers wait for its outcome.
      if (underWay !== undefined) gate.hold()
      else gate.down()
      const { ending, ...whose } = bury(host, exit)
      serving = undefined
      log.warn(
        { plan: host.plan.plan, code: exit.code, signal: exit.signal, cause: ending.cause },
        'the host ended by itself'
      )
      init.onExit({ ...exit, plan: host.plan, ending, ...whose })
    })
  }

  async function switchHost(plan: HostPlan, options: SwitchOptions = {}): Promise<SwitchResult> {
    invariant(underWay === undefined, 'at most one switchHost is under way (§11)')
    invariant(!stopped, 'a stopped host manager starts no host')
    const cancel = new AbortController()
    const signal = options.signal === undefined ? cancel.signal : AbortSignal.any([options.signal, cancel.signal])
    const inAnotherProcess = (): Promise<SwitchResult> =>
      runSwitch({
        plan,
        // Taken out of the hands of `watch`: from here to its end the switch notices what becomes of it.
        serving: () => serving,
        take: () => {
          const taken = serving
          serving = undefined
          return taken
        },
        start,
        look: async beside => init.look?.(signal, beside),
        gate,
        now,
        log,
        signal,
        onServing: next => {
          // Other code: what the code before did says nothing about it.
          const code = codeOf(next.host.plan)
          if (code !== servingCode) quarantine.clear()
          servingCode = code
          watch(next)
        },
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
    // Where nobody serves, calls are held from this moment on.
    const done = serving === undefined ? inAnotherProcess() : takeOver(plan).then(taken => taken ?? inAnotherProcess())
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
    call(header, body, signal) {
      const refusal = quarantine.refuse(header)
      return refusal === undefined ? gate.call(header, body, signal) : Promise.reject(refusal)
    },
    get serving() {
      return gate.state === 'open'
    },
    switchHost,
    async copyState(to, options) {
      if (serving === undefined) throw new InstarError('Stopped', 'No host serves whose state could be copied.')
      return serving.host.copyState(to, options)
    },
    stop,
    keepStates: stay => serving?.host.keepStates(stay) ?? Promise.resolve(undefined),
    broken: () => (serving === undefined ? undefined : broken.get(serving.host)),
    async stats() {
      const current = serving
      const counters = gate.counters()
      const measured = await current?.host.stats()
      return {
        ...(current === undefined
          ? { facades: [] }
          : {
              plan: current.host.plan.plan,
              pid: current.host.pid,
              meta: current.meta,
              facades: current.host.facades,
              building: [...current.host.building.values()],
              uptimeMs: now() - current.since
            }),
        ...measured,
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

/** Its bundles, its state, and where copies of that are made for rehearsals; the empty state on which a host warms up lies beside that and is named after it. */
function confinedTo(
  { bundles, copies }: NonNullable<HostManagerInit['confined']>,
  stateDirectory: string
): readonly string[] {
  const inBoth = (path: string): string[] =>
    [...new Set([dirname(path), realpathSync(dirname(path))])].map(folder => join(folder, `${basename(path)}*`))
  return confinement([bundles], [...inBoth(stateDirectory), ...inBoth(copies)])
}

function codeOf({ object, past, future }: HostPlan): string {
  return [object, ...past, ...future].map(moduleKey).join(' ')
}
