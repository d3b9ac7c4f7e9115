import { join } from 'node:path'
import type { ArgumentsByMethod } from './arguments/arguments-of.js'
import { createHistorySource, type HistorySource } from './history/generate.js'
import { rehearse } from './history/rehearse.js'
import { runHistory } from './history/run-history.js'
import type { HistoryResult } from './history/result.js'
import { shrink } from './history/shrink.js'
import type { History } from './history/steps.js'
import { transcriptOf } from './history/transcript.js'
import type { EquivalentSource } from './reference/equivalents.js'
import { areEqual } from './plain-values.js'
import type { CheckFailure } from './report.js'
import type { Lineage } from './versions.js'

/** One history to look at. `rehearsal`: on the reference alone, for the specification itself. */
export interface Unit {
  readonly kind: 'rehearsal' | 'history'
  readonly number: number
}

export interface Examined {
  readonly calls: number
  readonly events: number
  /** As it was found, not shrunk. */
  readonly failure: CheckFailure | undefined
}

/** Looks at units, here or elsewhere. */
export interface Examiner {
  examine(unit: Unit): Promise<Examined>
  /** Of a unit that failed: the shortest history that shows it; `undefined` when it does not fail again. */
  explain(unit: Unit): Promise<CheckFailure | undefined>
  close(): Promise<void>
}

export interface ExaminerInit {
  readonly lineage: Lineage
  /** Other instances of the same modules, for the reference; the same ones unless given. */
  readonly reference?: Lineage
  /** Loads the modules as a new process would. Some histories do so at each restart. */
  readonly reload?: () => Promise<Lineage>
  readonly arguments: ArgumentsByMethod
  readonly seed: number
  /** For states, each of which is removed when its history is over. */
  readonly folder: string
}

/** Shrinking ends after this time, with the shortest history found by then. */
const shrinkMs = 10_000
/** Every so many histories, one is run twice. */
const twiceEvery = 8
/** Every so many, its restarts load the modules anew; what is loaded is never let go of, so not all do. */
const reloadedEvery = 10

export function pathOf({ kind, number }: Unit): string {
  return kind === 'rehearsal' ? `s${number}` : String(number)
}

/** @throws TypeError when it is no path */
export function unitOf(path: string): Unit {
  const [, kind, digits] = /^(s?)(\d+)$/.exec(path) ?? []
  if (digits === undefined) throw new TypeError(`${path} is no path of a report.`)
  return { kind: kind === 's' ? 'rehearsal' : 'history', number: Number(digits) }
}

/** In this process. @throws TypeError naming the methods whose arguments the author has to give */
export function createExaminer(init: ExaminerInit): Examiner {
  const { lineage, reference = lineage, arguments: given, seed, folder } = init
  const source = createHistorySource(lineage, given, seed)
  const samples = samplesOf(reference, source)
  let runs = 0

  const once = (unit: Unit, history: History): Promise<HistoryResult> => {
    const reload = unit.number % reloadedEvery === reloadedEvery - 1 ? init.reload : undefined
    return runHistory({ lineage, reference, reload, history, samples, directory: join(folder, String(++runs)) })
  }

  async function look(unit: Unit, history: History): Promise<HistoryResult> {
    if (unit.kind === 'rehearsal') return rehearse({ lineage: reference, history, samples })
    const result = await once(unit, history)
    if (result.flaw !== undefined || unit.number % twiceEvery !== 0) return result
    return compareRuns(result, await once(unit, history))
  }

  function failureOf(unit: Unit, result: HistoryResult): CheckFailure | undefined {
    if (result.flaw === undefined) return undefined
    return { ...result.flaw, transcript: transcriptOf(result), seed, path: pathOf(unit) }
  }

  return {
    examine: async unit => {
      const result = await look(unit, source.history(unit.number))
      return { calls: result.calls, events: result.events, failure: failureOf(unit, result) }
    },
    explain: async unit => {
      const history = source.history(unit.number)
      const first = await look(unit, history)
      if (first.flaw === undefined) return undefined
      let shortest = first
      const endMs = performance.now() + shrinkMs
      await shrink(history, first.at, {
        isOver: () => performance.now() > endMs,
        fails: async smaller => {
          const result = await look(unit, smaller)
          if (result.flaw?.kind !== first.flaw?.kind) return undefined
          shortest = result
          return { at: result.at }
        }
      })
      return failureOf(unit, shortest)
    },
    close: () => Promise.resolve()
  }
}

/** The same history on the same code: what is remembered outside of the state shows, and chance that is not `ctx.random`. */
function compareRuns(first: HistoryResult, second: HistoryResult): HistoryResult {
  const [calls, events] = [first.calls + second.calls, first.events + second.events]
  if (second.flaw !== undefined && second.flaw.kind !== 'interleaving') {
    const text = `the same history, run again in the same process, goes wrong: ${second.flaw.text}. Something is kept outside of the state`
    return { ...second, calls, events, flaw: { ...second.flaw, kind: 'determinism', text } }
  }
  const at = first.lines.findIndex((line, i) => !areEqual(line.what, second.lines[i]?.what))
  if (at === -1) return { ...first, calls, events }
  const [expected, actual] = [first.lines[at]?.what ?? 'nothing', second.lines[at]?.what ?? 'nothing']
  const text = 'the same history, run again in the same process, is answered otherwise'
  return {
    ...second,
    lines: second.lines.slice(0, at + 1),
    calls,
    events,
    flaw: { kind: 'determinism', text, expected, actual }
  }
}

function samplesOf(lineage: Lineage, source: HistorySource): EquivalentSource {
  return ({ object }) => {
    const version = lineage.revisions.findIndex(revision => lineage.classes.get(revision)?.contract === object.contract)
    return source.commands(version + 1).map(({ method, args }) => ({ method, args, result: undefined }))
  }
}
