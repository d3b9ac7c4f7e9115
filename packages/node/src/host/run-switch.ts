import { InstarError, messageOf, type HostPlan, type StateMeta, type SwitchStage } from '@instar/core'
import { restFactor } from '@instar/simulator-runtime/host'
import type { Logger } from 'pino'
import type { CallGate } from './call-gate.js'
import type { HostProcess, OpenOptions } from './host-process.js'
import { howItEnded } from './process-exit.js'
import type { StageDetail, SwitchResult, SwitchTimings } from './switch-result.js'

/** A state that is written faster than it is put in order is switched as it is. */
const settleRoundsMax = 20
/** What is written in so short a time is replayed at once. */
const briefMs = 50

/** A host that answers calls. */
export interface Serving {
  readonly host: HostProcess
  readonly meta: StateMeta
  readonly since: number
}

export interface SwitchInit {
  readonly plan: HostPlan
  /** The host that serves now. */
  readonly serving: () => Serving | undefined
  /** The same, and it is the switch's from then on: its end is no news any more. */
  readonly take: () => Serving | undefined
  readonly start: (plan: HostPlan) => HostProcess
  /** Reads what of the state nobody has read yet, before a process opens it, resting so many times as long as it works. @throws InstarError StateDamaged */
  readonly look: (restFactor: number) => Promise<void>
  readonly gate: CallGate
  readonly now: () => number
  readonly log: Logger
  readonly signal: AbortSignal
  /** This host serves now; called before the held calls are released to it. */
  readonly onServing: (serving: Serving) => void
  /** This process is not needed any more and has closed its state. */
  readonly onEnding: (host: HostProcess) => void
  readonly onStage: (stage: SwitchStage, detail: StageDetail) => void
}

/**
 * One switch, from top to bottom:
 *
 *     spawn → load → prepare → look → settle  beside the host that serves; a failure here costs nothing
 *     hold → drain → close    the old process stays, with its code loaded, in case it is needed again
 *     open → activate         steps and transforms run in the new process
 *     release → end the old
 *
 * The pause that callers see lasts from `hold` to `release`. A failure after `hold` kills the new process and opens the state again in
 * the old one, or, where that had to be killed, in a new one of the same plan.
 */
export async function runSwitch(init: SwitchInit): Promise<SwitchResult> {
  const { plan, gate, now, log, signal } = init
  const startedAt = now()
  const before = gate.counters()
  const stagesMs: Partial<Record<SwitchStage, number>> = {}
  let stage: SwitchStage | undefined
  let heldAt: number | undefined
  /** The version that the state was last seen to be of. */
  let stateVersion: number | undefined

  function reached(next: SwitchStage, detail: StageDetail = {}): void {
    stage = next
    stagesMs[next] ??= round(now() - startedAt)
    init.onStage(next, detail)
  }

  function timings(): SwitchTimings {
    const after = gate.counters()
    return {
      stagesMs,
      pauseMs: heldAt === undefined ? 0 : round(now() - heldAt),
      held: after.heldTotal - before.heldTotal,
      cut: after.cut - before.cut
    }
  }

  function hold(): void {
    gate.hold()
    heldAt ??= now()
  }

  // Nobody serves: those who call now wait for the new host instead of asking again and again.
  const previous = init.serving()
  if (previous === undefined) hold()

  /**
   * What commands wrote meanwhile, and what LevelDB still puts in order, would be the next process's while calls are held: both are done with
   * beside calls, until a look is so brief that little comes after it. A large state under many writes is put in order faster than it can be
   * looked at with long rests, so these grow shorter.
   */
  async function settle(): Promise<void> {
    for (let round = 0; round < settleRoundsMax; round++) {
      const serves = init.serving()
      if (serves === undefined || signal.aborted) return
      await serves.host.settle()
      const begun = now()
      await init.look(Math.max(0, restFactor - round))
      if (now() - begun <= briefMs) return
    }
  }

  let next: HostProcess | undefined
  try {
    next = init.start(plan)
    reached('spawned')
    await next.load(signal)
    reached('loaded')
    // Last, so that little can change until calls are held: it may take long, and they are answered meanwhile (§8).
    if (plan.steps.some(each => each.transform === 'entries')) await init.serving()?.host.prepare(plan, signal)
    await init.look(init.serving() === undefined ? 0 : restFactor)
    await settle()
    if (signal.aborted) throw new InstarError('Stopped', 'The switch was cancelled before calls were held.')

    hold()
    const old = init.take()
    reached('holding')
    if (old !== undefined) await quiet(old.host, log, reached)

    const serving = await open(next, { signal, onStage: reached })
    init.onServing(serving)
    reached('activated')
    gate.open(next.channel)
    const { facades, building } = next
    const result: SwitchResult = { ok: true, meta: serving.meta, facades, building, timings: timings() }
    // After the release: ending a process takes longer than everything above. A kill is safe, it has closed its state.
    if (old !== undefined) init.onEnding(old.host)
    log.info({ plan: plan.plan, ...result.timings }, 'the host was switched')
    return result
  } catch (thrown) {
    const error = toInstarError(thrown)
    log.warn({ plan: plan.plan, stage, code: error.code }, `the host was not switched: ${error.message}`)
    await next?.kill()
    init.serving()?.host.giveUp()
    return await recover(error)
  }

  async function recover(error: InstarError): Promise<SwitchResult> {
    const reachedStage = stage
    const untouched = init.serving()
    const restored = untouched ?? (previous && (await restore(previous)))
    // The process died between the batch that moved meta and its answer: the upgrade has happened, and nothing leads back from it (R13).
    if (
      restored === undefined &&
      stateVersion === plan.object.version &&
      stateVersion !== previous?.host.plan.object.version
    ) {
      const again = await startAgain(plan)
      if (again !== undefined) {
        serve(again)
        const { facades, building } = again.host
        return { ok: true, meta: again.meta, facades, building, timings: timings() }
      }
    }
    if (restored === undefined) gate.down()
    else if (restored !== untouched) serve(restored)
    return {
      ok: false,
      error,
      ...(reachedStage === undefined ? {} : { stage: reachedStage }),
      restored: restored !== undefined,
      ...(restored === undefined ? {} : { meta: restored.meta }),
      ...(stateVersion === undefined ? {} : { stateVersion }),
      timings: timings()
    }
  }

  function serve(host: Serving): void {
    init.onServing(host)
    gate.open(host.host.channel)
  }

  /** What served before serves again: it was stopped for this switch, or it crashed while the new one was loading. */
  async function restore({ host }: Serving): Promise<Serving | undefined> {
    if (host.alive) {
      try {
        return await open(host)
      } catch (thrown) {
        log.warn(`the host of the plan before could not open its state again: ${messageOf(thrown)}`)
        await host.kill()
      }
    }
    return stateVersion === undefined || stateVersion === host.plan.object.version ? startAgain(host.plan) : undefined
  }

  async function startAgain(last: HostPlan): Promise<Serving | undefined> {
    let host: HostProcess | undefined
    try {
      host = init.start(last)
      await host.load()
      return await open(host)
    } catch (thrown) {
      log.error(`the host of plan ${last.plan} could not be started again: ${messageOf(thrown)}`)
      await host?.kill()
      return undefined
    }
  }

  async function open(host: HostProcess, options: OpenOptions = {}): Promise<Serving> {
    try {
      const meta = await host.open(options)
      stateVersion = meta.current
      return { host, meta, since: now() }
    } catch (thrown) {
      // A plan that does not fit the state is told which version the state is of.
      const current = thrown instanceof InstarError ? thrown.detail['current'] : undefined
      if (typeof current === 'number') stateVersion = current
      throw thrown
    }
  }
}

/** Drains and closes a host. One that does not comply is killed: its state is safe (R13), and its callers are told what is unknown. */
async function quiet(host: HostProcess, log: Logger, reached: (stage: SwitchStage) => void): Promise<void> {
  try {
    await host.drain()
    reached('drained')
    await host.close()
  } catch (thrown) {
    log.warn(`the old host is killed: ${messageOf(thrown)}`)
    await host.kill()
    log.info(`the old host ended: ${howItEnded(await host.exited)}`)
  }
  reached('closed')
}

function toInstarError(thrown: unknown): InstarError {
  if (thrown instanceof InstarError) return thrown
  return new InstarError('HostFailed', `The host failed: ${messageOf(thrown)}.`, { cause: thrown })
}

function round(ms: number): number {
  return Math.round(ms * 100) / 100
}
