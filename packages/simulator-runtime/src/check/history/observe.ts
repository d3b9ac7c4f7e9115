import type { Contract } from '../../contract/contract.js'
import type { SimulationDefinition, Transform, UpgradeDefinition } from '../../definition/define-upgrade.js'
import type { EntriesTransform, EntryTransform } from '../../definition/entries.js'
import type { ReverseDefinition, ReverseEntry } from '../../definition/reverse.js'
import type { Mapping } from '../../definition/twin.js'
import type { ObjectContext } from '../../definition/context.js'
import type { StateView } from '../../state/state-view.js'
import { MemoryState } from '../reference/memory-state.js'
import type { Equivalent } from '../reference/equivalents.js'
import { Flawed, type Flaw } from '../flaw.js'
import type { Lineage, Versions } from '../versions.js'
import { examineMapping } from './examine-mapping.js'
import { examineReverse, examineTransform } from './examine-transform.js'

type Entry =
  | { readonly what: 'ran'; readonly revision: number; readonly call: Equivalent; readonly instead: boolean }
  | { readonly what: 'shadow'; readonly revision: number; readonly calls: readonly Equivalent[] | 'opaque' }
  | { readonly what: 'refused'; readonly revision: number; readonly method: string; readonly args: readonly unknown[] }

/** A shadow of a twin, with the whole state of its class before and after it. */
export interface CastShadow {
  readonly revision: number
  /** The command that it is the shadow of. */
  readonly method: string
  readonly calls: readonly Equivalent[]
  readonly before: MemoryState
  readonly after: MemoryState
}

/** Writes down what the code does for one call: which façade executed what, and what its shadows answered. */
export class Recorder {
  #entries: Entry[] = []
  #busy = new WeakSet()
  /** Of twins that no specification speaks of. */
  casts: CastShadow[] = []
  /** What was found wrong with a transform. */
  flaw: Flaw | undefined

  begin(): void {
    this.#entries = []
    this.casts = []
    this.#busy = new WeakSet()
  }

  /** The call that was refused first: what refuses farther out only passes it on. */
  get refused(): { readonly revision: number; readonly method: string; readonly args: readonly unknown[] } | undefined {
    return this.#entries.find(each => each.what === 'refused')
  }

  shadowsOf(revision: number): readonly Equivalent[] | 'opaque' | undefined {
    const shadows = this.#entries.flatMap(each => (each.what === 'shadow' && each.revision === revision ? [each] : []))
    if (shadows.length === 0) return undefined
    const calls: Equivalent[] = []
    for (const each of shadows) {
      if (each.calls === 'opaque') return 'opaque'
      calls.push(...each.calls)
    }
    return calls
  }

  commandsOf(revision: number): readonly Equivalent[] | undefined {
    const ran = this.#entries.flatMap(each => (each.what === 'ran' && each.revision === revision ? [each] : []))
    // Who takes its delegate's place says nothing by what it asks of it.
    return ran.some(each => each.instead) ? undefined : ran.map(each => each.call)
  }

  async run(
    place: Place,
    method: string,
    isCommand: boolean,
    args: readonly unknown[],
    run: () => unknown,
    self: object
  ) {
    // What a class calls of itself is no call.
    if (this.#busy.has(self)) return run()
    this.#busy.add(self)
    const given = structuredCloneOr(args)
    try {
      const result = await run()
      if (isCommand) {
        const call = { method, args: given, result }
        this.#entries.push({ what: 'ran', revision: place.revision, call, instead: place.instead })
      }
      return result
    } catch (error) {
      if ((error as { instar?: unknown } | undefined)?.instar === 'disallowed') {
        this.#entries.push({ what: 'refused', revision: place.revision, method, args: given })
      }
      throw error
    } finally {
      this.#busy.delete(self)
    }
  }

  async shadow(revision: number, run: () => unknown): Promise<unknown> {
    const answer = await run()
    if (answer === 'opaque' || Array.isArray(answer)) {
      this.#entries.push({ what: 'shadow', revision, calls: answer as readonly Equivalent[] | 'opaque' })
    }
    return answer
  }
}

interface Place {
  readonly revision: number
  readonly instead: boolean
}

function structuredCloneOr(args: readonly unknown[]): readonly unknown[] {
  try {
    return structuredClone(args)
  } catch {
    return args
  }
}

type AnyClass = new (...args: never[]) => object

/** The same versions, whose classes tell the recorder what they do. */
export function observe({ versions, revisions, classes, specifications }: Lineage, recorder: Recorder): Versions {
  return versions.map((definition, i) => {
    const revision = revisions[i] ?? i + 1
    if (definition.instar === 'class') return observeClass(definition, revision, recorder)
    const all = [...classes.keys()]
    const from = all[all.indexOf(revision) - 1] ?? revision
    const isSpecified = specifications.has(revision)
    const { future, past, transform, entries, map, reverse } = definition
    const observed: UpgradeDefinition = {
      ...definition,
      to: observeClass(definition.to, revision, recorder),
      ...(transform === undefined ? {} : { transform: observeTransform(transform, recorder) }),
      ...(entries === undefined ? {} : { entries: observeEntries(entries, recorder) }),
      ...(reverse === undefined ? {} : { reverse: observeReverse(reverse, recorder) }),
      ...(map === undefined ? {} : { map: observeMapping(map, recorder) }),
      ...(future === undefined
        ? {}
        : {
            future: observeSimulation(
              future,
              definition.to.contract,
              definition.from,
              { revision, delegate: from, isSpecified },
              recorder
            )
          }),
      ...(past === undefined
        ? {}
        : {
            past: observeSimulation(
              past,
              definition.from,
              definition.to.contract,
              { revision: from, delegate: revision, isSpecified },
              recorder
            )
          })
    }
    return observed
  }) as unknown as Versions
}

function observeTransform(transform: Transform, recorder: Recorder): Transform {
  return async states => {
    await noteFlaw(recorder, () => examineTransform(transform, states))
    return transform(states)
  }
}

function observeReverse({ transform, entries, ...said }: ReverseDefinition, recorder: Recorder): ReverseDefinition {
  const observed =
    (reverse: ReverseEntry): ReverseEntry =>
    async (entry, states) => {
      await noteFlaw(recorder, () =>
        examineMapping(entry, stateOf => reverse(entry, { ...states, oldState: stateOf('old') }))
      )
      return reverse(entry, states)
    }
  const { entries: ofObject, pastEntries } = entries ?? {}
  return {
    ...said,
    ...(transform === undefined
      ? {}
      : {
          transform: async states => {
            await noteFlaw(recorder, () => examineReverse(transform, states))
            return transform(states)
          }
        }),
    ...(ofObject === undefined
      ? {}
      : {
          entries: {
            entries: observed(ofObject),
            ...(pastEntries === undefined ? {} : { pastEntries: observed(pastEntries) })
          }
        })
  }
}

function observeMapping(map: Mapping, recorder: Recorder): Mapping {
  return async (entry, states) => {
    await noteFlaw(recorder, () =>
      examineMapping(entry, stateOf => map(entry, { ...states, newState: stateOf('new') }))
    )
    return map(entry, states)
  }
}

function observeEntries({ entries, futureEntries }: EntriesTransform, recorder: Recorder): EntriesTransform {
  const observed =
    (transform: EntryTransform): EntryTransform =>
    async (entry, states) => {
      await noteFlaw(recorder, () =>
        examineMapping(entry, stateOf =>
          transform(entry, { ...states, newState: stateOf('new'), pastState: stateOf('past') })
        )
      )
      return transform(entry, states)
    }
  return {
    entries: observed(entries),
    ...(futureEntries === undefined ? {} : { futureEntries: observed(futureEntries) })
  }
}

/** What serves goes on; the run looks at the note. */
async function noteFlaw(recorder: Recorder, examine: () => Promise<void>): Promise<void> {
  try {
    await examine()
  } catch (error) {
    if (!(error instanceof Flawed)) throw error
    recorder.flaw ??= error.flaw
  }
}

function observeClass<T extends { readonly contract: Contract; readonly implementation: AnyClass }>(
  definition: T,
  revision: number,
  recorder: Recorder
): T {
  const { contract, implementation } = definition
  return { ...definition, implementation: watched(implementation, contract, { revision, instead: false }, recorder) }
}

function observeSimulation(
  definition: SimulationDefinition,
  serves: Contract,
  delegate: Contract,
  place: { readonly revision: number; readonly delegate: number; readonly isSpecified: boolean },
  recorder: Recorder
): SimulationDefinition {
  const { revision } = place
  const implementation = watched(definition.implementation, serves, { revision, instead: false }, recorder)
  const prototype = definition.implementation.prototype as Record<string, unknown>
  const isCompared = definition.model === 'twin' && !place.isSpecified
  for (const method of Object.keys(delegate.methods)) {
    const shadow = prototype[`$${method}`]
    if (typeof shadow !== 'function') continue
    define(implementation, `$${method}`, function (this: object, call: unknown) {
      const run = (): Promise<unknown> =>
        recorder.shadow(revision, () => (shadow as (call: unknown) => unknown).call(this, call))
      const state = contexts.get(this)?.state
      return isCompared && state !== undefined ? cast(revision, method, state, run, recorder) : run()
    })
  }
  const { instead } = definition
  if (instead === undefined) return { ...definition, implementation }
  const behind = { revision: place.delegate, instead: true }
  return { ...definition, implementation, instead: watched(instead, delegate, behind, recorder) }
}

/** Keeps what a twin's class holds before and after its shadow. */
async function cast(
  revision: number,
  method: string,
  state: StateView,
  run: () => Promise<unknown>,
  recorder: Recorder
): Promise<unknown> {
  const before = await MemoryState.of(state)
  const answer = await run()
  if (Array.isArray(answer)) {
    const after = await MemoryState.of(state)
    recorder.casts.push({ revision, method, calls: answer as readonly Equivalent[], before, after })
  }
  return answer
}

/** Instances are frozen, and what a class makes of its context is its own. */
const contexts = new WeakMap<object, ObjectContext>()

function watched<T extends AnyClass>(implementation: T, contract: Contract, place: Place, recorder: Recorder): T {
  const Watched = class extends (implementation as unknown as new (ctx: ObjectContext) => object) {
    constructor(ctx: ObjectContext) {
      super(ctx)
      contexts.set(this, ctx)
    }
  } as unknown as T
  const prototype = implementation.prototype as Record<string, unknown>
  for (const [name, { kind }] of Object.entries(contract.methods)) {
    const method = prototype[name]
    if (typeof method !== 'function') continue
    define(Watched, name, function (this: object, ...args: unknown[]) {
      const run = (): unknown => (method as (...args: unknown[]) => unknown).apply(this, args)
      return recorder.run(place, name, kind === 'command', args, run, this)
    })
  }
  return Watched
}

function define(of: AnyClass, name: string, value: (this: object, ...args: never[]) => unknown): void {
  Object.defineProperty(of.prototype, name, { value })
}
