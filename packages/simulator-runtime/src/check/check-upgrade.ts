import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { ArgumentsByMethod } from './arguments/arguments-of.js'
import type { Flaw, FlawKind } from './flaw.js'
import { createHistorySource, type HistorySource } from './history/generate.js'
import { runHistory, type HistoryResult } from './history/run-history.js'
import { shrink } from './history/shrink.js'
import type { History } from './history/steps.js'
import { flawLines, transcriptOf } from './history/transcript.js'
import type { EquivalentSource } from './reference/equivalents.js'
import type { Specification } from './specification.js'
import { lineageOf, type Lineage, type Versions } from './versions.js'

/** How much is tried before an upgrade passes. */
export interface CheckBudget {
  /** Histories that are run at most. */
  readonly histories?: number
  /** Milliseconds after which no new history begins. */
  readonly timeMs?: number
}

export const defaultBudget = { histories: 400, timeMs: 60_000 } as const

/** What has been run so far. */
export interface CheckProgress {
  readonly histories: number
  readonly calls: number
  readonly events: number
}

/** What is checked, how much of it, and from which seed. */
export interface CheckUpgradeInit {
  /** Version 1, and the upgrades to 2, 3, … in order. */
  readonly versions: Versions
  /** Of the upgrades that have one. Without any, only what needs none is checked. */
  readonly specifications?: ReadonlyArray<Specification | undefined>
  /** By method; before those of the specifications. */
  readonly arguments?: ArgumentsByMethod
  readonly budget?: CheckBudget
  /** The same seed makes the same histories. Random unless given. */
  readonly seed?: number
  /** Of a report's flaw: runs that one history again. */
  readonly path?: string
  /** Told after each history. */
  readonly onProgress?: (progress: CheckProgress) => void
  readonly signal?: AbortSignal
}

/** A flaw and how to see it again. */
export interface CheckFailure {
  readonly kind: FlawKind
  readonly text: string
  readonly expected?: string
  readonly actual?: string
  /** The shortest history found that shows it: each event and call, who served it, the states, the first wrong answer. */
  readonly transcript: string
  readonly seed: number
  readonly path: string
}

/** What a check has come to. */
export interface CheckReport {
  readonly passed: boolean
  readonly failure?: CheckFailure
  readonly seed: number
  readonly histories: number
  readonly calls: number
  readonly events: number
  /** Revisions that had no specification: of them only what needs none was checked. */
  readonly unspecified: readonly number[]
}

/**
 * Looks for a history of calls and events in which an upgrade is wrong (R6–R10, R12, R13): the real classes, simulation objects and
 * transforms against the reference pair of their specifications.
 *
 * @throws TypeError for versions that are no chain, and where no arguments can be made for a method
 */
export async function checkUpgrade(init: CheckUpgradeInit): Promise<CheckReport> {
  const seed = init.seed ?? Math.floor(Math.random() * 0x7fff_ffff)
  const lineage = lineageOf(init.versions, init.specifications ?? [])
  const source = createHistorySource(lineage, init.arguments ?? {}, seed)
  const check = new Check(init, lineage, source, seed)
  return check.run()
}

/** What a report says, for the output of a failing test. */
export function describeReport(report: CheckReport): string {
  const { failure, histories, calls, events, seed } = report
  const amount = `${histories} histories, ${calls} calls, ${events} events, seed ${seed}`
  if (failure === undefined) return `No flaw found in ${amount}.`
  return [
    failure.transcript,
    '',
    `Found in ${amount}; replay it with seed ${failure.seed}, path ${failure.path}.`
  ].join('\n')
}

/** Throws {@link describeReport} unless the check passed, for tests. */
export function assertPassed(report: CheckReport): void {
  if (!report.passed) throw new Error(`The upgrade is wrong.\n${describeReport(report)}`)
}

const shrinkMs = 10_000

class Check {
  readonly #init: CheckUpgradeInit
  readonly #lineage: Lineage
  readonly #source: HistorySource
  readonly #seed: number
  readonly #counts = { histories: 0, calls: 0, events: 0 }
  #runs = 0

  constructor(init: CheckUpgradeInit, lineage: Lineage, source: HistorySource, seed: number) {
    this.#init = init
    this.#lineage = lineage
    this.#source = source
    this.#seed = seed
  }

  async run(): Promise<CheckReport> {
    const folder = await mkdtemp(join(tmpdir(), 'instar-check-'))
    try {
      return await this.#runIn(folder)
    } finally {
      await rm(folder, { recursive: true, force: true })
    }
  }

  async #runIn(folder: string): Promise<CheckReport> {
    const { histories, timeMs } = { ...defaultBudget, ...this.#init.budget }
    const endMs = performance.now() + timeMs
    const numbers =
      this.#init.path === undefined ? Array.from({ length: histories }, (_, i) => i) : [Number(this.#init.path)]
    for (const number of numbers) {
      this.#init.signal?.throwIfAborted()
      if (performance.now() > endMs) break
      const history = this.#source.history(number)
      const result = await this.#runHistory(folder, history)
      this.#counts.histories++
      this.#counts.calls += result.calls
      this.#counts.events += result.events
      this.#init.onProgress?.({ ...this.#counts })
      if (result.flaw !== undefined)
        return this.#report(await this.#explain(folder, history, result, result.flaw, number))
    }
    return this.#report()
  }

  #runHistory(folder: string, history: History): Promise<HistoryResult> {
    return runHistory({
      lineage: this.#lineage,
      history,
      samples: this.#samples,
      directory: join(folder, String(++this.#runs))
    })
  }

  readonly #samples: EquivalentSource = ({ object }) => {
    const version = this.#lineage.versions.findIndex(
      each => (each.instar === 'class' ? each.contract : each.to.contract) === object.contract
    )
    return this.#source.commands(version + 1).map(({ method, args }) => ({ method, args, result: undefined }))
  }

  async #explain(
    folder: string,
    history: History,
    first: HistoryResult,
    flaw: Flaw,
    number: number
  ): Promise<CheckFailure> {
    const endMs = performance.now() + shrinkMs
    let shortest: HistoryResult & { readonly flaw: Flaw } = { ...first, flaw }
    await shrink(history, first.at, {
      isOver: () => performance.now() > endMs || this.#init.signal?.aborted === true,
      fails: async smaller => {
        const result = await this.#runHistory(folder, smaller)
        if (result.flaw?.kind !== flaw.kind) return undefined
        shortest = { ...result, flaw: result.flaw }
        return { at: result.at }
      }
    })
    return {
      ...shortest.flaw,
      transcript: shortest.lines.length === 0 ? flawLines(shortest.flaw).join('\n') : transcriptOf(shortest),
      seed: this.#seed,
      path: String(number)
    }
  }

  #report(failure?: CheckFailure): CheckReport {
    const revisions = [...this.#lineage.classes.keys()]
    return {
      passed: failure === undefined,
      ...(failure === undefined ? {} : { failure }),
      seed: this.#seed,
      ...this.#counts,
      unspecified: revisions.filter(each => each !== revisions[0] && !this.#lineage.specifications.has(each))
    }
  }
}
