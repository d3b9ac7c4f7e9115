import { InstarError, messageOf, type HostPlan, type StateMeta } from '@instar/core'
import type { HostRuntimeInit } from '../host-runtime.js'
import { bringToPlan } from '../open/bring-to-plan.js'
import type { LoadedCode } from '../open/load-code.js'
import { spacesOf } from '../open/spaces.js'
import { differencesOf, type Differences } from './differences.js'
import { examineSpace, type Place } from './examine-state.js'

/** What the way back from an upgrade has shown, gone right behind it. Milliseconds, and bytes of keys and values. */
export interface BackRun {
  /** How long callers wait for it. */
  readonly tookMs: number
  readonly entries: number
  readonly bytes: number
  /** From the state that the upgrade had found. No fault in itself: the reverse transform may say that it loses that. */
  readonly differences: Differences
}

interface RunBackInit extends Pick<HostRuntimeInit, 'network' | 'random'> {
  readonly signal: AbortSignal
  /** Of going back. */
  readonly plan: HostPlan
  readonly code: LoadedCode
  readonly place: Place
  /** What the upgrade has built, and what it was built of: later runs need both. */
  readonly stay: readonly string[]
  readonly before: StateMeta
}

/**
 * Takes the way back on the copy exactly as the end of a trial would, and reads every entry of what it builds as the old class does. What it
 * has built is nobody's afterwards: the next run removes it.
 *
 * @throws InstarError TransformFailed, TransformTimeout, DiskFull, StateDamaged, Stopped
 */
export async function runBack(init: RunBackInit): Promise<BackRun> {
  const { place, plan, code, before, signal } = init
  const named = new Set([...init.stay, ...spacesOf(before)])
  const begun = performance.now()
  try {
    const meta = await bringToPlan({
      ...{ network: init.network, random: init.random, signal, plan, code, db: place.db, directory: place.directory },
      nowMs: 0,
      onProgress: () => undefined,
      trial: { keeps: space => named.has(space), onAccess: () => undefined, onStep: () => Promise.resolve() }
    })
    const tookMs = performance.now() - begun
    const { entries, bytes } = await examineSpace(place, meta.spaces.object, code.object, signal, 'The way back')
    const spaces = (object: string) => ({ object, past: {}, future: {} })
    const differences = await differencesOf(place, spaces(before.spaces.object), spaces(meta.spaces.object), signal)
    return { tookMs, entries, bytes, differences }
  } catch (error) {
    signal.throwIfAborted()
    if (!(error instanceof InstarError) || !error.code.startsWith('Transform')) throw error
    const what = `Were its trial to end badly, this peer could not go back to version ${plan.object.version}: ${messageOf(error)}`
    throw new InstarError(error.code, what, { cause: error })
  }
}
