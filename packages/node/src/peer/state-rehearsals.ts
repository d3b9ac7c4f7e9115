import {
  blockOf,
  InstarError,
  nextVersion,
  rehearsalPlan,
  type PeerState,
  type RehearsedPlans,
  type RehearsalOutcome
} from '@instar/core'
import type { RehearsalReport } from '../control/peer-control.js'
import type { Engine } from '../engine/engine.js'
import type { StateRehearsalProgress, StateRehearsalResult } from '../host/rehearse-state.js'
import { monoMs, wallMs } from './clock.js'

/** Tries upgrades on a copy of the state, one at a time; who asks for the one that is under way gets its result. */
export interface StateRehearsals {
  /**
   * @param signal this caller wants no result any more; the rehearsal ends when nobody does
   * @returns never rejects
   */
  run(version: number, plans: Plans, signal: AbortSignal): Promise<StateRehearsalResult>
  readonly underWay: { readonly version: number; readonly progress: StateRehearsalProgress | undefined } | undefined
  /** Ends the one that is under way, if it is of a version of which this is true. */
  end(isUnwanted: (version: number) => boolean): void
  /** Ends the one that is under way; resolves when nothing of it is left. */
  stop(): Promise<void>
}

type Plans = Pick<RehearsedPlans, 'plan' | 'back'>

export interface StateRehearsalsInit {
  readonly rehearse: (
    plans: Plans,
    signal: AbortSignal,
    onProgress: (progress: StateRehearsalProgress) => void
  ) => Promise<StateRehearsalResult>
  readonly onProgress: (version: number, progress: StateRehearsalProgress) => void
}

interface UnderWay {
  readonly version: number
  /** What is tried: another descriptor of the same version is another upgrade. */
  readonly chainId: string
  readonly cancel: AbortController
  readonly result: Promise<StateRehearsalResult>
  waiting: number
  progress: StateRehearsalProgress | undefined
}

export function createStateRehearsals({ rehearse, onProgress }: StateRehearsalsInit): StateRehearsals {
  let underWay: UnderWay | undefined

  function begin(version: number, plans: Plans): UnderWay {
    const cancel = new AbortController()
    const result = rehearse(plans, cancel.signal, progress => {
      begun.progress = progress
      onProgress(version, progress)
    }).finally(() => {
      if (underWay === begun) underWay = undefined
    })
    const begun: UnderWay = {
      version,
      chainId: plans.plan.object.chainId,
      cancel,
      result,
      waiting: 0,
      progress: undefined
    }
    underWay = begun
    return begun
  }

  return {
    async run(version, plans, signal) {
      const other = underWay
      if (other !== undefined && (other.chainId !== plans.plan.object.chainId || other.cancel.signal.aborted))
        return notNow(`The upgrade to version ${other.version} is being rehearsed: one after the other.`)
      const mine = other ?? begin(version, plans)
      mine.waiting++
      const gone = Promise.withResolvers<StateRehearsalResult>()
      const leave = (): void => {
        if (--mine.waiting === 0) mine.cancel.abort()
        gone.resolve(notNow(`The rehearsal of version ${version} was ended.`))
      }
      if (signal.aborted) leave()
      else signal.addEventListener('abort', leave, { once: true })
      try {
        return await Promise.race([mine.result, gone.promise])
      } finally {
        signal.removeEventListener('abort', leave)
      }
    },
    get underWay() {
      return underWay
    },
    end(isUnwanted) {
      if (underWay !== undefined && isUnwanted(underWay.version)) underWay.cancel.abort()
    },
    async stop() {
      underWay?.cancel.abort()
      await underWay?.result
    }
  }
}

/** @throws InstarError `UnknownVersion`, `BadInput` where there is nothing to try now, and what the rehearsal fails with */
export async function rehearseForOperator(
  { engine, stateRehearsals }: { readonly engine: Engine; readonly stateRehearsals: StateRehearsals },
  asked: number | undefined,
  signal: AbortSignal
): Promise<RehearsalReport> {
  const version = asked ?? nextVersion(engine.state)
  if (version === undefined) throw new InstarError('BadInput', 'No version is known that this peer could upgrade to.')
  if (version > engine.state.log.length)
    throw new InstarError(
      'UnknownVersion',
      `Version ${version} is not known here; the newest is ${engine.state.log.length}.`
    )
  const plan = rehearsalPlan(engine.state, version, { wallMs: wallMs(), monoMs: monoMs() })
  if ('refused' in plan)
    throw new InstarError('BadInput', `The upgrade to version ${version} cannot be rehearsed now: ${plan.refused}.`)
  const result = await stateRehearsals.run(version, plan, signal)
  engine.input({ fact: 'stateRehearsed', version, outcome: toOutcome(result, wallMs()) })
  if (!result.ok) throw result.error
  return { version, ...result.report }
}

/** Whether nothing of the version may run here (§4, R20). */
export function isStopped(state: Readonly<PeerState>, version: number): boolean {
  return blockOf(state, version) !== undefined || state.versions.get(version)?.phase === 'superseded'
}

/** What the core is told of it. */
export function toOutcome(result: StateRehearsalResult, wallMs: number): RehearsalOutcome {
  if (!result.ok) return { of: 'rehearseState', ok: false, cause: result.error.message, transient: result.transient }
  const { stateVersion, pauseMs, transformMs, entries, files, bytesBefore, bytesAfter, diskBytes } = result.report
  const rounded = { pauseMs: Math.ceil(pauseMs), transformMs: Math.ceil(transformMs) }
  const rehearsed = { stateVersion, atMs: wallMs, ...rounded, entries, files, bytesBefore, bytesAfter, diskBytes }
  return { of: 'rehearseState', ok: true, rehearsed }
}

function notNow(sentence: string): StateRehearsalResult {
  return { ok: false, error: new InstarError('Stopped', sentence), transient: true }
}
