import { classesAt, InstarError, type ClassUpgrade, type StateKind, type VersionLog } from '@instar/core'
import type { BuiltBundle } from '@instar/bundler'
import type { ClassChange } from './class-change.js'

/** A module for peers that run this version (`--from 1=./from-one.ts`). */
export interface StartModule {
  readonly version: number
  readonly entry: string
}

/** A module, the version that its peers run before, and the classes that they have there. */
interface Start {
  readonly entry: string
  /** Absent: the newest version. */
  readonly from?: number
  readonly known: ReadonlyMap<string, ClassUpgrade>
}

export interface BuiltStart extends Start {
  readonly built: BuiltBundle
  readonly change: ClassChange
}

interface Superseding {
  readonly entries: readonly string[]
  readonly supersedes?: number | undefined
  readonly from?: readonly StartModule[] | undefined
}

/** The versions that the next one supersedes, descending. */
export function supersededBy({ supersedes: lowest }: Pick<Superseding, 'supersedes'>, version: number): number[] {
  return lowest === undefined ? [] : Array.from({ length: version - lowest }, (_, i) => version - 1 - i)
}

/**
 * Every module that is to be built, with where it starts.
 *
 * @throws InstarError BadInput when the versions that it is to repair are not there, or a module starts where no peer of them can be
 */
export function modulesOf(init: Superseding, log: VersionLog): readonly Start[] {
  const newest = log.length
  const { supersedes, from: starts = [] } = init
  if (supersedes !== undefined && (supersedes < 2 || supersedes > newest))
    throw new InstarError(
      'BadInput',
      `There is no version ${supersedes} to supersede: the network has the versions 1 to ${newest}, and its first one cannot be superseded.`
    )
  const wrong = starts.find(each => each.version < (supersedes ?? Infinity) - 1 || each.version >= newest)
  if (wrong !== undefined) throw new InstarError('BadInput', wrongStart(wrong, supersedes, newest))
  return [
    ...init.entries.map(entry => ({ entry, known: classesAt(log, newest) })),
    ...starts.map(({ entry, version }) => ({ entry, from: version, known: classesAt(log, version) }))
  ]
}

function wrongStart({ version }: StartModule, supersedes: number | undefined, newest: number): string {
  if (supersedes === undefined)
    return `--from ${version}=… is for a version that supersedes others: say with --supersedes which is the lowest of them.`
  return version === newest
    ? `The modules for peers that run the newest version, ${newest}, are named without --from.`
    : `Nobody goes on from version ${version}: superseding down to version ${supersedes}, peers start from the versions ${supersedes - 1} to ${newest}.`
}

/**
 * The class upgrades from every version where a peer may stand (§4). Where the superseded versions left a class alone, the module for a later
 * start serves the earlier ones too.
 *
 * @throws InstarError BadInput for a class that cannot be reached from one of them
 */
export function onFromEverywhere(built: readonly BuiltStart[], log: VersionLog, lowest: number): readonly BuiltStart[] {
  const all = [...built]
  const newest = log.length
  for (let start = newest - 1; start >= lowest && lowest < newest; start--) {
    for (const newClass of new Set(built.map(each => each.change.fields.newClass))) {
      if (all.some(each => each.from === start && each.change.fields.newClass === newClass)) continue
      const same = all.find(each => each.change.fields.newClass === newClass && isSameAt(log, each, start))
      if (same === undefined)
        throw new InstarError(
          'BadInput',
          `No module leads to ${newClass} from version ${start}, where peers may run: add --from ${start}=<module>, an upgrade of the class as version ${start} has it.`
        )
      all.push({ ...same, from: start })
    }
  }
  return all
}

/** Whether a class is the same code at an earlier version as where the module starts. */
function isSameAt(log: VersionLog, { from, change }: BuiltStart, start: number): boolean {
  const { oldClass } = change.fields
  if (oldClass === undefined) return !classesAt(log, start).has(change.fields.newClass)
  const there = classesAt(log, from ?? log.length).get(oldClass)
  const here = classesAt(log, start).get(oldClass)
  return here !== undefined && here.bundle === there?.bundle && here.entry === there.entry
}

/** Where each of the classes keeps its state. */
export function kindsOf({ known }: Pick<Start, 'known'>): ReadonlyMap<string, StateKind> {
  return new Map([...known].map(([name, { state }]) => [name, state]))
}
