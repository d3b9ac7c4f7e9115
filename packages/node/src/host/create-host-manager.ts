import { realpathSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'
import { InstarError, invariant, messageOf, type HostPlan } from '@instar/core'
import type { CallHandler } from '@instar/rpc'
import { createCallGate } from './call-gate.js'
import { defaultHoldLimits } from './call-queue.js'
import { confinement } from './confinement.js'
import { moduleKey, outgoingKinds } from './control-messages.js'
import { createFaultReporter } from './fault-reporter.js'
import { isGuilty, isOf, judge, type HostEnding } from './host-ending.js'
import type { HostProcess } from './host-process.js'
import { startHostProcess } from './start-host-process.js'
import type { ProcessExit } from './process-exit.js'
import { createQuarantine } from './quarantine.js'
import { runSwitch, type Serving } from './run-switch.js'
import type { SwitchResult } from './switch-result.js'
import type { HostManager, SwitchOptions, HostManagerInit } from './host-manager.js'

const retryAfterMsDefault = 250

/** Starts nothing: the first `switchHost` does. */
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
        if (failed.machine === undefined) faults.withdrawn(host, failed)
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
        look: async restFactor => init.look?.(signal, restFactor),
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
