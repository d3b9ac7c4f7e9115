import { rm } from 'node:fs/promises'
import { availableParallelism } from 'node:os'
import { join } from 'node:path'
import type { ArgumentsByMethod } from './arguments/arguments-of.js'
import { createExaminer, unitOf, type Examiner, type Unit } from './examiner.js'
import type { CheckCounts, CheckFailure, CheckReport } from './report.js'
import type { Specification } from './specification.js'
import { createScratchFolder } from './scratch-folder.js'
import { lineageOf, type Versions } from './versions.js'
import { createWorkerExaminer, describeModules } from './workers/worker-examiner.js'

/** How much is tried before an upgrade passes. */
export interface CheckBudget {
  /** Histories that are run at most; 400 unless said otherwise. */
  readonly histories?: number
  /** Milliseconds after which no new history begins; 60,000 unless said otherwise. */
  readonly timeMs?: number
}

const defaultBudget = { histories: 400, timeMs: 60_000 } as const
/** The reference alone is quick: as many histories as find what a specification gets wrong. */
const rehearsals = 150

/** What is checked, how much of it, and from which seed. */
export interface CheckUpgradeInit {
  /**
   * Version 1, and the upgrades to 2, 3, … in order: definitions, which are checked in this process; or the built modules that export them
   * (paths or `file:` addresses), which are checked by workers side by side.
   */
  readonly versions: Versions | ReadonlyArray<string | URL>
  /** Of the upgrades that have one, as definitions or modules. Without any, only what needs none is checked. */
  readonly specifications?: ReadonlyArray<Specification | undefined> | ReadonlyArray<string | URL>
  /** By method; before those of the specifications. */
  readonly arguments?: ArgumentsByMethod
  readonly budget?: CheckBudget
  /** The same seed makes the same histories. By chance unless given. */
  readonly seed?: number
  /** Of a failure: looks at that one history only. */
  readonly path?: string
  /** For modules; as many as there are cores unless said otherwise. */
  readonly workers?: number
  /** Told after each history. */
  readonly onProgress?: (progress: CheckCounts) => void
  readonly signal?: AbortSignal
}

/**
 * Looks for a history of calls and events in which an upgrade is wrong (R6–R10, R12, R13): the real classes, simulation objects and
 * transforms against the reference pair of their specifications.
 *
 * @throws TypeError for versions that are no chain, and where no arguments can be made for a method; the signal's reason
 */
export async function checkUpgrade(init: CheckUpgradeInit): Promise<CheckReport> {
  const seed = init.seed ?? Math.floor(Math.random() * 0x7fff_ffff)
  const units = init.path === undefined ? allUnits(init.budget) : [unitOf(init.path)]
  const folder = await createScratchFolder()
  try {
    return await checkIn(folder, init, seed, units)
  } catch (error) {
    init.signal?.throwIfAborted()
    throw error
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

async function checkIn(
  folder: string,
  init: CheckUpgradeInit,
  seed: number,
  units: readonly Unit[]
): Promise<CheckReport> {
  const { examiners, unspecified } = await examinersOf(init, seed, units.length, folder)
  const stop = (): void => void Promise.all(examiners.map(each => each.close()))
  init.signal?.addEventListener('abort', stop, { once: true })
  try {
    const counts = { histories: 0, calls: 0, events: 0 }
    const failed = await examineAll(init, units, examiners, counts)
    const failure = failed === undefined ? undefined : await explain(failed)
    init.signal?.throwIfAborted()
    return {
      passed: failure === undefined,
      ...(failure === undefined ? {} : { failure }),
      seed,
      ...counts,
      unspecified
    }
  } finally {
    init.signal?.removeEventListener('abort', stop)
    await Promise.all(examiners.map(each => each.close()))
  }
}

function allUnits(budget: CheckBudget = {}): readonly Unit[] {
  const histories = budget.histories ?? defaultBudget.histories
  return [
    ...Array.from({ length: Math.min(rehearsals, 2 * histories) }, (_, number): Unit => ({
      kind: 'rehearsal',
      number
    })),
    ...Array.from({ length: histories }, (_, number): Unit => ({ kind: 'history', number }))
  ]
}

async function examinersOf(
  init: CheckUpgradeInit,
  seed: number,
  units: number,
  folder: string
): Promise<{ examiners: readonly Examiner[]; unspecified: readonly number[] }> {
  const [first] = init.versions
  if (typeof first === 'string' || first instanceof URL) {
    const modules = describeModules(
      init.versions as readonly string[],
      (init.specifications ?? []) as readonly string[]
    )
    const workers = Math.min(init.workers ?? availableParallelism(), units)
    const created = []
    for (let i = 0; i < workers; i++)
      created.push(createWorkerExaminer({ modules, seed, folder: join(folder, String(i)) }))
    const settled = await Promise.all(created)
    return { examiners: settled.map(each => each.examiner), unspecified: settled[0]?.unspecified ?? [] }
  }
  const lineage = lineageOf(init.versions as Versions, (init.specifications ?? []) as readonly Specification[])
  const examiner = createExaminer({ lineage, arguments: init.arguments ?? {}, seed, folder })
  return { examiners: [examiner], unspecified: lineage.unspecified }
}

interface Failed {
  readonly unit: Unit
  readonly failure: CheckFailure
  readonly at: number
  readonly examiner: Examiner
}

/** Hands out units in order. The first one that fails is the one with the lowest place, however many look at once. */
async function examineAll(
  init: CheckUpgradeInit,
  units: readonly Unit[],
  examiners: readonly Examiner[],
  counts: { histories: number; calls: number; events: number }
): Promise<Failed | undefined> {
  const endMs = performance.now() + (init.budget?.timeMs ?? defaultBudget.timeMs)
  let next = 0
  const failures: Failed[] = []
  await Promise.all(
    examiners.map(async examiner => {
      for (let at = next++; at < units.length; at = next++) {
        init.signal?.throwIfAborted()
        if (failures.length > 0 || performance.now() > endMs) return
        const unit = units[at] as Unit
        const examined = await examiner.examine(unit)
        if (examined.failure !== undefined) failures.push({ unit, at, examiner, failure: examined.failure })
        if (unit.kind === 'rehearsal') continue
        counts.histories++
        counts.calls += examined.calls
        counts.events += examined.events
        init.onProgress?.({ ...counts })
      }
    })
  )
  return failures.sort((a, b) => a.at - b.at)[0]
}

async function explain({ unit, examiner, failure }: Failed): Promise<CheckFailure> {
  const shortest = await examiner.explain(unit)
  if (shortest !== undefined) return shortest
  const note =
    'It did not happen again in the same history: something besides the history decides, so it could not be made shorter.'
  return { ...failure, transcript: `${failure.transcript}\n${note}` }
}
