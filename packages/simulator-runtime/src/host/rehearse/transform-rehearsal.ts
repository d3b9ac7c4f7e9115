import { invariant, type HostPlan, type StateMeta, type StateSpaces } from '@instar/core'
import { defaultLimits } from '../default-limits.js'
import type { HostRuntimeInit } from '../host-runtime.js'
import { bringToPlan } from '../open/bring-to-plan.js'
import { openDatabase, stateError } from '../open/database.js'
import { loadCode, type LoadedCode } from '../open/load-code.js'
import { putMeta, readMeta, type StoredMeta } from '../open/meta.js'
import { Layer } from '../state/layer.js'
import type { Database } from '../state/merged-entries.js'
import { toOperations } from '../state/store.js'
import { differencesOf, type Differences } from './differences.js'
import { examineSpace, verifyStep, type Place } from './examine-state.js'
import { runBack, type BackRun } from './run-back.js'

/** What a rehearsal on a copy of a state is made of: a host's own needs, and where the copy is. */
export interface TransformRehearsalInit extends Pick<
  HostRuntimeInit,
  'plan' | 'network' | 'load' | 'stateDirectory' | 'random' | 'onProgress'
> {
  /** The plan that leads back from the upgrade by its reverse transform (§8), where that is how its trial would end. */
  readonly back?: HostPlan
  readonly signal: AbortSignal
}

/** What one whole run has shown. Milliseconds, and bytes of keys and values. */
export interface RehearsalRun {
  /** Where it has built the new states. They stay on disk for a later run to compare with. */
  readonly spaces: StateSpaces
  /** Of opening the state and all steps; without what only a rehearsal does. */
  readonly tookMs: number
  /** Of it, the transforms; and how long calls are held, where part of them is made before the pause. */
  readonly transformMs: number
  readonly pauseMs: number
  /** Reads and writes of the transforms: the clock by which a later run is interrupted. */
  readonly operations: number
  readonly entries: number
  readonly bytes: number
  /** Façades with a state of which nobody said how an entry is read. */
  readonly unread: readonly string[]
  /** Of the way back; only where there is one, and of a first run. */
  readonly back?: BackRun
  /** From the run that it was compared with. */
  readonly differences?: Differences
}

/**
 * Takes the steps of an upgrade on a copy of a state exactly as the upgrade would, again and again: after each run the copy is what it was
 * before, so that a process may die in the middle of one and another begin anew (R13). For a process of its own.
 */
export interface TransformRehearsal {
  /** @throws InstarError BundleLoadFailed */
  load(): Promise<void>
  /**
   * One whole run, with the author's check and a look at every entry of the new states.
   *
   * @param first what an earlier run has built; stays, and is compared with
   * @throws InstarError TransformFailed, TransformTimeout, DiskFull, StateDamaged, Stopped
   */
  run(first?: StateSpaces): Promise<RehearsalRun>
  /** Begins a run and calls `die` at the read or write of this number. */
  begin(first: StateSpaces, operations: number, die: () => void): Promise<void>
}

/** The runs of an upgrade's transforms on a copy of a state (R13), each in the process that asks for it. */
export function createTransformRehearsal(init: TransformRehearsalInit): TransformRehearsal {
  const { plan, stateDirectory: directory, signal } = init
  let code: LoadedCode | undefined
  let backCode: LoadedCode | undefined

  async function onCopy<T>(work: (db: Database, before: StoredMeta) => Promise<T>): Promise<T> {
    const db = await openDatabase(directory)
    try {
      const before = await readMeta(db, directory)
      invariant(before !== undefined, 'a rehearsal has a state to begin with')
      return await work(db, before)
    } catch (error) {
      signal.throwIfAborted()
      throw stateError(error, directory)
    } finally {
      await db.close()
    }
  }

  function bring(db: Database, watch: Watch, first: StateSpaces | undefined): Promise<StateMeta> {
    invariant(code !== undefined, 'a rehearsal loads its code before it runs it')
    const { steps } = code
    const kept = first === undefined ? [] : spacesIn(first)
    return bringToPlan({
      ...init,
      db,
      directory,
      code,
      // A copy keeps nothing.
      nowMs: 0,
      onProgress: progress => {
        watch.onProgress(progress)
        init.onProgress(progress)
      },
      trial: {
        keeps: space => kept.includes(space),
        onAccess: watch.onAccess,
        onStep: async (step, from, to) => {
          const stepCode = steps.get(step.to)
          if (stepCode === undefined) return
          const begun = performance.now()
          await verifyStep({ db, directory }, stepCode, { step, from, to })
          watch.besideMs += performance.now() - begun
        }
      }
    })
  }

  return {
    load: async () => {
      code = await loadCode(plan, init.load)
      if (init.back !== undefined) backCode = await loadCode(init.back, init.load)
    },

    run: first => {
      const begun = performance.now()
      return onCopy(async (db, before) => {
        const watch = new Watch()
        const meta = await bring(db, watch, first)
        const tookMs = performance.now() - begun - watch.besideMs
        const place = { db, directory }
        const examined = await examine(place, meta)
        const differences = first === undefined ? undefined : await differencesOf(place, first, meta.spaces, signal)
        const pauseMs = tookMs - beforeThePause(watch, before.meta)
        // Once shows it: what it reads is the same each time.
        const back = first === undefined ? await goBack(place, before.meta, meta) : undefined
        const record = new Layer()
        putMeta(record, before)
        await db.batch(toOperations(record), { sync: true })
        return {
          spaces: meta.spaces,
          tookMs,
          transformMs: watch.transformMs,
          pauseMs,
          operations: watch.operations,
          ...examined,
          ...(back === undefined ? {} : { back }),
          ...(differences === undefined ? {} : { differences })
        }
      })
    },

    begin: (first, operations, die) =>
      onCopy(async db => {
        const watch = new Watch(count => {
          if (count === operations) die()
        })
        await bring(db, watch, first)
      })
  }

  /** Right behind the upgrade, as if its trial ended badly at once. Takes what the upgrade has read for what it is not to lose. */
  async function goBack(place: Place, before: StateMeta, { spaces }: StateMeta): Promise<BackRun | undefined> {
    if (init.back === undefined || backCode === undefined) return undefined
    return runBack({ ...init, plan: init.back, code: backCode, place, stay: spacesIn(spaces), before })
  }

  /** Every state of the façades that will serve. */
  async function examine(
    place: Place,
    { spaces }: StateMeta
  ): Promise<Pick<RehearsalRun, 'entries' | 'bytes' | 'unread'>> {
    const found = { entries: 0, bytes: 0, unread: [] as string[] }
    for (const facade of code === undefined ? [] : [code.object, ...code.past, ...code.future]) {
      const space = facade.role === 'object' ? spaces.object : spaces[facade.role][facade.revision]
      if (space === undefined) continue
      const { entries, bytes, isRead } = await examineSpace(place, space, facade, signal)
      found.entries += entries
      found.bytes += bytes
      if (entries > 0 && !isRead) found.unread.push(`${facade.className} (${facade.role} ${facade.revision})`)
    }
    return found
  }

  /** §8: all of a transform by entries but the last round, where the process that serves has its code. */
  function beforeThePause({ transformMs, readOf }: Watch, { current }: StateMeta): number {
    const [step] = plan.steps.filter(each => each.from >= current)
    if (step?.transform !== 'entries' || plan.steps.filter(each => each.from >= current).length > 1) return 0
    const left = Math.min(1, defaultLimits.buildLastRoundMax / Math.max(1, readOf(step.to)))
    return transformMs * (1 - left)
  }
}

function spacesIn({ object, past, future }: StateSpaces): readonly string[] {
  return [object, ...Object.values(past), ...Object.values(future)]
}

/** Measures a run. */
class Watch {
  operations = 0
  transformMs = 0
  /** Spent on what no upgrade does. */
  besideMs = 0
  readonly #read = new Map<number, number>()
  readonly #onOperation: ((count: number) => void) | undefined
  #begun: number | undefined

  constructor(onOperation?: (count: number) => void) {
    this.#onOperation = onOperation
  }

  readonly onAccess = (): void => {
    this.operations++
    this.#onOperation?.(this.operations)
  }

  onProgress(progress: Parameters<HostRuntimeInit['onProgress']>[0]): void {
    if (progress.stage === 'transforming') {
      this.#begun ??= performance.now()
      this.#read.set(progress.to, progress.done)
    } else if (progress.stage === 'transformed' && this.#begun !== undefined) {
      this.transformMs += performance.now() - this.#begun
      this.#begun = undefined
    }
  }

  readonly readOf = (version: number): number => this.#read.get(version) ?? 0
}
