import {
  messageOf,
  type CodeRef,
  type Effect,
  type ErrorCode,
  type Fact,
  type HostPlan,
  type InstarError,
  type MachineFacts,
  type Outcome,
  type ProbeOutcome
} from '@instar/core'
import { evaluate } from '@instar/scheduler'
import type { Logger } from 'pino'
import type { BundleExchange, FetchProgress } from '../bundles/bundle-exchange.js'
import type { BundleStore } from '../bundles/bundle-store.js'
import type { Cleaner } from '../cleaning/cleaner.js'
import type { HostManager } from '../host/host-manager.js'
import type { RehearsalResult } from '../host/rehearsal.js'
import type { StageDetail } from '../host/switch-result.js'
import type { Announcements } from '../overlay/announcements.js'
import { toOutcome, type StateRehearsals } from './state-rehearsals.js'

export interface PerformInit {
  readonly bundles: BundleStore
  readonly exchange: BundleExchange
  /** Whom to ask for bundles, best first. */
  readonly providers: () => readonly string[]
  readonly host: HostManager
  /** What this machine has. Never rejects. */
  readonly measure: () => Promise<MachineFacts>
  readonly rehearse: (plans: readonly HostPlan[], signal: AbortSignal) => Promise<RehearsalResult>
  readonly cleaner: Cleaner
  /** The journal says what it has to in fewer bytes. */
  readonly compactJournal: () => void
  readonly probe: (probe: Extract<Effect, { effect: 'probe' }>) => Promise<ProbeOutcome>
  readonly stateRehearsals: Pick<StateRehearsals, 'run'>
  readonly announcements: Pick<Announcements, 'announce'>
  readonly input: (fact: Fact) => void
  readonly log: Logger
  readonly wallMs: () => number
  /** Ends everything that is under way. */
  readonly signal: AbortSignal
  readonly onStage: (version: number | undefined, detail: StageDetail) => void
  readonly onPause: (version: number | undefined, pauseMs: number) => void
}

export interface Performer {
  /** Starts an effect; its result comes back as a fact. */
  perform(effect: Effect): void
  /** Bundles that are being fetched, and how far they are. */
  readonly fetches: ReadonlyMap<string, FetchProgress>
}

/** Carries out what the core has decided (§11). Every effect may be repeated; results of a peer that stops are dropped. */
export function createPerformer(init: PerformInit): Performer {
  const { input, log, signal } = init
  const fetches = new Map<string, FetchProgress>()
  /** What the core can call off, by the id of its effect. */
  const underWay = new Map<number, AbortController>()

  const done = (id: number, outcome: Outcome): void => {
    if (!signal.aborted) input({ fact: 'done', id, outcome })
  }

  async function cancellable<T>(id: number, work: (cancelled: AbortSignal) => Promise<T>): Promise<T> {
    const cancel = new AbortController()
    underWay.set(id, cancel)
    return work(cancel.signal).finally(() => underWay.delete(id))
  }

  const fetchBundle = async (id: number, bundle: string): Promise<void> => {
    init.cleaner.wanted(bundle)
    if (init.bundles.has(bundle)) {
      done(id, { of: 'fetchBundle', ok: true })
      return
    }
    try {
      await init.exchange.fetch(bundle, {
        providers: init.providers,
        signal,
        onProgress: progress => fetches.set(bundle, progress),
        onLiar: (peer, detail) => log.warn({ peer, bundle, detail }, 'a peer sent bytes that are not the bundle')
      })
      done(id, { of: 'fetchBundle', ok: true })
    } catch (thrown) {
      done(id, { of: 'fetchBundle', ok: false, cause: messageOf(thrown), transient: true })
    } finally {
      fetches.delete(bundle)
    }
  }

  const preflight = async (id: number, code: readonly CodeRef[]): Promise<void> => {
    for (const ref of code) {
      // One that is damaged is set aside and told as lost by the store, before this is done; the core has it fetched again.
      await init.bundles.modulePath(ref).catch((thrown: unknown) => log.warn({ err: thrown }, 'a bundle is not whole'))
    }
    done(id, { of: 'preflight', ok: true, facts: await init.measure() })
  }

  const rehearse = async (id: number, plans: readonly HostPlan[], cancelled: AbortSignal): Promise<void> => {
    const result = await init.rehearse(plans, AbortSignal.any([signal, cancelled]))
    if (cancelled.aborted) return
    if (result.ok) {
      done(id, { of: 'rehearse', ok: true })
      return
    }
    const { error } = result
    done(id, { of: 'rehearse', ok: false, cause: error.message, transient: isTransient(error), ...stepOf(error) })
  }

  const rehearseState = async (
    { id, version, plan, back }: Extract<Effect, { effect: 'rehearseState' }>,
    cancelled: AbortSignal
  ): Promise<void> => {
    const result = await init.stateRehearsals.run(
      version,
      back === undefined ? { plan } : { plan, back },
      AbortSignal.any([signal, cancelled])
    )
    if (!cancelled.aborted) done(id, toOutcome(result, init.wallMs()))
  }

  const switchHost = async (
    { id, plan, version }: Extract<Effect, { effect: 'switchHost' }>,
    cancelled: AbortSignal
  ): Promise<void> => {
    const result = await init.host.switchHost(plan, {
      // A peer that stops has its host drained: that is no cancelling.
      signal: cancelled,
      onStage: (stage, detail) => {
        init.onStage(version, detail)
        if (!signal.aborted) input({ fact: 'switchStage', id, stage })
      }
    })
    init.onPause(version, result.timings.pauseMs)
    if (result.ok) {
      const building = [...result.building.keys()]
      done(id, { of: 'switchHost', ok: true, stateVersion: result.meta.current, building })
      // Which old states there are now; how large they are, takes a moment to measure.
      const states = await init.host.keepStates('all')
      if (states !== undefined && !signal.aborted) input({ fact: 'oldStates', states })
      return
    }
    log.warn({ plan: plan.plan, stage: result.stage, err: result.error }, 'the host could not be switched')
    const { error, stage, restored } = result
    const stateVersion = result.stateVersion ?? result.meta?.current
    done(id, {
      of: 'switchHost',
      ok: false,
      cause: error.message,
      transient: isTransient(error),
      stage,
      restored,
      stateVersion,
      ...stepOf(error)
    })
  }

  const run = (effect: Effect, work: Promise<void>): void => {
    work.catch((thrown: unknown) => {
      // Every operating failure is an outcome; what comes here is a mistake of ours, and hiding it would leave the core waiting for ever.
      log.fatal({ err: thrown, effect: effect.effect }, 'an effect failed in a way that it must not')
      throw thrown
    })
  }

  return {
    fetches,
    perform(effect) {
      switch (effect.effect) {
        case 'fetchBundle': {
          run(effect, fetchBundle(effect.id, effect.bundle))
          return
        }
        case 'preflight': {
          run(effect, preflight(effect.id, effect.code))
          return
        }
        case 'rehearse': {
          run(
            effect,
            cancellable(effect.id, cancelled => rehearse(effect.id, effect.plans, cancelled))
          )
          return
        }
        case 'rehearseState': {
          run(
            effect,
            cancellable(effect.id, cancelled => rehearseState(effect, cancelled))
          )
          return
        }
        case 'switchHost': {
          run(
            effect,
            cancellable(effect.id, cancelled => switchHost(effect, cancelled))
          )
          return
        }
        case 'cancelSwitch':
        case 'cancelRehearsal':
          underWay.get(effect.id)?.abort()
          return
        case 'evaluateSchedule': {
          run(effect, evaluateSchedule(effect, done))
          return
        }
        case 'probe': {
          run(
            effect,
            init.probe(effect).then(outcome => done(effect.id, outcome))
          )
          return
        }
        case 'clean': {
          init.compactJournal()
          run(
            effect,
            init.cleaner.clean(effect).then(() => done(effect.id, { of: 'clean', ok: true }))
          )
          return
        }
        case 'announce': {
          init.announcements.announce(effect.content)
          return
        }
        case 'persist':
        case 'wake':
          // The engine's own.
          return
      }
    }
  }
}

/** R15: a scheduling function that fails means "wait", and is reported. */
async function evaluateSchedule(
  { id, schedule, inputs }: Extract<Effect, { effect: 'evaluateSchedule' }>,
  done: (id: number, outcome: Outcome) => void
): Promise<void> {
  try {
    const decision = evaluate(schedule.strategy, inputs)
    done(id, { of: 'evaluateSchedule', ok: true, decision })
  } catch (thrown) {
    done(id, { of: 'evaluateSchedule', ok: false, cause: messageOf(thrown) })
  }
}

/** Of several steps, the one to blame. */
function stepOf({ detail }: InstarError): { readonly step?: number } {
  const { step } = detail
  return typeof step === 'number' ? { step } : {}
}

/**
 * Nothing is wrong with the code, and nobody else must be warned of it: a damaged bundle is being fetched again, a machine may have room later,
 * and whatever has happened to a state or to the disk is for the operator of this peer.
 */
const transient: ReadonlySet<ErrorCode> = new Set([
  'DiskFull',
  'Stopped',
  'BundleUnavailable',
  'ProcessNotStarted',
  'StateDamaged',
  'DataDirectoryDamaged',
  'DataDirectoryInUse'
])

/** Whether trying the same code again can end differently. */
function isTransient(error: InstarError): boolean {
  return transient.has(error.code)
}
