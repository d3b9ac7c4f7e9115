import type { ClassDefinition } from '../../definition/define-class.js'
import { flawed } from '../flaw.js'
import { areEqual, show } from '../plain-values.js'
import { revisionOf, type Lineage } from '../versions.js'
import {
  assertEquivalent,
  equivalentOf,
  runAll,
  validated,
  type Equivalent,
  type EquivalentSource
} from './equivalents.js'
import { Link, type Executed, type Side } from './link.js'
import { isError, LoneObject, type Answer, type RequestMoment } from './lone-object.js'
import type { MemoryState } from './memory-state.js'

/** What the code that is checked was seen to do for one call, by revision; `undefined`: nothing was seen. */
export type Observed = (revision: number) => readonly Equivalent[] | 'opaque' | undefined

/** A class on a state that was written from what a view has read of its own. */
export interface Rewritten {
  readonly revision: number
  readonly side: Side
  readonly object: LoneObject
}

/**
 * The reference pair of R9, and of a chain of upgrades the row of them: each version's real class alone on its own state, and after each
 * command the shadows of the specifications on all others. Revisions that no specification reaches are not in it: about them it says nothing.
 */
export class Reference {
  readonly #lineage: Lineage
  readonly #links: ReadonlyMap<number, Link>
  readonly #samples: EquivalentSource
  #members = new Map<number, LoneObject>()

  private constructor(lineage: Lineage, samples: EquivalentSource) {
    this.#lineage = lineage
    this.#samples = samples
    this.#links = new Map([...lineage.specifications].map(([revision, each]) => [revision, new Link(each)]))
  }

  /** With the versions up to `start`, each in its initial state. */
  static async create(lineage: Lineage, samples: EquivalentSource, start = 1): Promise<Reference> {
    const reference = new Reference(lineage, samples)
    for (const [to, link] of reference.#links) {
      if (!lineage.classes.has(to)) continue
      const next = await LoneObject.create(reference.#classOf(to), to)
      const from = reference.#neighbour(to, -1) ?? to
      await link.assertBeginning(await LoneObject.create(reference.#classOf(from), from), next)
    }
    for (const revision of new Set(lineage.revisions.slice(0, start))) {
      reference.#members.set(revision, await LoneObject.create(reference.#classOf(revision), revision))
    }
    return reference
  }

  revisionOf(version: number): number {
    return revisionOf(this.#lineage, version)
  }

  /** Whether it can say what a call of this revision must answer. */
  knows(revision: number): boolean {
    return this.#members.has(revision)
  }

  copy(): Reference {
    const copy = new Reference(this.#lineage, this.#samples)
    copy.#members = new Map([...this.#members].map(([revision, each]) => [revision, each.copy()]))
    return copy
  }

  /** The values that stand on both sides of each link, for people. */
  async describe(): Promise<string> {
    const parts = new Map<number, string>()
    for (const [to, link] of this.#links) {
      const from = this.#neighbour(to, -1) ?? to
      const [old, next] = [this.#members.get(from), this.#members.get(to)]
      if (old !== undefined) parts.set(from, show(await link.read('old', old.state)))
      if (next !== undefined) parts.set(to, show(await link.read('new', next.state)))
    }
    return [...parts]
      .sort(([a], [b]) => a - b)
      .map(([revision, text]) => `v${revision} ${text}`)
      .join('   ')
  }

  /** Every state as the views on it would write it, under each of the views that see it. */
  async rewritten(): Promise<readonly Rewritten[]> {
    const found: Rewritten[] = []
    for (const [to, link] of this.#links) {
      for (const [revision, side] of [
        [this.#neighbour(to, -1) ?? to, 'old'],
        [to, 'new']
      ] as const) {
        const member = this.#members.get(revision)
        if (member === undefined) continue
        const state = await link.write(side, await link.read(side, member.state))
        found.push({ revision, side, object: new LoneObject(this.#classOf(revision), revision, state) })
      }
    }
    return found
  }

  /** MF establishes the invariant at introduction. */
  async introduce(revision: number): Promise<void> {
    if (this.#members.has(revision)) return
    const from = this.#neighbour(revision, -1)
    const link = this.#links.get(revision)
    const old = from === undefined ? undefined : this.#members.get(from)
    if (link === undefined || old === undefined) return
    const next = await link.map(await link.read('old', old.state))
    const state = await link.write('new', next)
    this.#members.set(revision, new LoneObject(this.#classOf(revision), revision, state))
  }

  /** It is not served any more: withdrawn (what only it could see is dropped, R22) or retired. */
  drop(revision: number): void {
    this.#members.delete(revision)
  }

  /** R8: why a call may be refused where `current` runs; `undefined`: it may not. */
  async refusal(
    revision: number,
    current: number,
    { method, args }: Pick<Equivalent, 'method' | 'args'>
  ): Promise<string | undefined> {
    const side: Side = revision < current ? 'old' : 'new'
    const [from, to] =
      side === 'old' ? [revision, this.#neighbour(revision, 1)] : [this.#neighbour(revision, -1), revision]
    const link = to === undefined ? undefined : this.#links.get(to)
    if (link === undefined || from === undefined || to === undefined) return 'nothing is specified'
    const [old, next] = [this.#members.get(from), this.#members.get(to)]
    if (old === undefined || next === undefined) return 'nothing is known'
    return link.refusal(side, method, args, await link.read('old', old.state), await link.read('new', next.state))
  }

  /** @returns `undefined` where nothing is known about the revision */
  async ask(
    revision: number,
    method: string,
    args: readonly unknown[],
    moment: RequestMoment
  ): Promise<Answer | undefined> {
    return this.#members.get(revision)?.call(method, args, moment)
  }

  /**
   * Executes a call at one version, and its shadows at all others.
   *
   * @throws Flawed when the specification is at fault, or what was observed is not what it amounts to
   */
  async call(
    revision: number,
    method: string,
    args: readonly unknown[],
    moment: RequestMoment,
    observed: Observed = () => undefined
  ): Promise<Answer | undefined> {
    const object = this.#members.get(revision)
    const kind = this.#classOf(revision).contract.methods[method]?.kind
    if (object === undefined) {
      // What an unknown version does to the others is unknown as well.
      if (kind === 'command') this.#members.clear()
      return undefined
    }
    const before = object.state.copy()
    const answer = await object.call(method, args, moment)
    if (isError(answer)) {
      if (answer.code === 'OutOfContract')
        throw flawed('type', `the class of version ${revision} alone: ${answer.message}`)
      return answer
    }
    if (kind === 'query') return answer
    const valid = await validated(object, method, args)
    const executed: Executed = {
      method,
      args: valid,
      result: answer.value,
      before,
      after: object.state,
      now: moment.now
    }
    for (const direction of [-1, 1] as const) await this.#cast(revision, direction, [executed], moment, observed)
    return answer
  }

  async #cast(
    revision: number,
    direction: -1 | 1,
    calls: readonly Executed[] | undefined,
    moment: RequestMoment,
    observed: Observed
  ): Promise<void> {
    const next = this.#neighbour(revision, direction)
    const other = next === undefined ? undefined : this.#members.get(next)
    if (next === undefined || other === undefined) return
    const link = this.#links.get(Math.max(revision, next))
    if (link === undefined || calls === undefined) {
      this.#forget(next, direction)
      return
    }
    const [own, its]: [Side, Side] = direction === 1 ? ['old', 'new'] : ['new', 'old']
    const before = other.copy()
    const valueBefore = await link.read(its, before.state)
    let value = valueBefore
    for (const call of calls) value = await link.shadow(own, call, value)
    if (!areEqual(value, valueBefore)) other.become(await link.write(its, value))
    await this.#assertInvariant(link, revision, next, calls)
    const seen = observed(next)
    const beyond = this.#neighbour(next, direction)
    const isLast = beyond === undefined || !this.#members.has(beyond)
    if (seen === 'opaque') {
      if (!isLast) this.#forget(beyond, direction)
      return
    }
    const reads = (state: MemoryState): Promise<unknown> => link.read(its, state)
    const target = { object: before, value, reads, moment, origin: calls }
    const equivalent = seen === undefined ? undefined : await runAll(target.object, seen, moment)
    if (seen !== undefined) await assertEquivalent(equivalent, seen, target, next)
    if (isLast) return
    await this.#cast(next, direction, equivalent ?? (await equivalentOf(target, this.#samples)), moment, observed)
  }

  async #assertInvariant(link: Link, revision: number, next: number, calls: readonly Executed[]): Promise<void> {
    const [from, to] = [Math.min(revision, next), Math.max(revision, next)]
    const [old, young] = [this.#members.get(from), this.#members.get(to)]
    if (old === undefined || young === undefined) return
    const names = calls.map(each => `${each.method}(${each.args.map(show).join(', ')})`).join('; ')
    const when = `after ${names} at version ${revision} and its shadow`
    await link.assertInvariant(await link.read('old', old.state), await link.read('new', young.state), when)
  }

  #forget(from: number, direction: -1 | 1): void {
    for (const revision of [...this.#members.keys()]) {
      if ((revision - from) * direction >= 0) this.#members.delete(revision)
    }
  }

  #neighbour(revision: number, direction: -1 | 1): number | undefined {
    const all = [...this.#lineage.classes.keys()]
    return all[all.indexOf(revision) + direction]
  }

  #classOf(revision: number): ClassDefinition {
    const found = this.#lineage.classes.get(revision)
    if (found === undefined) throw new RangeError(`there is no revision ${revision}`)
    return found
  }
}
