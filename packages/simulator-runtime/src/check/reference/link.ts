import { messageOf } from '@instar/core'
import type { Contract } from '../../contract/contract.js'
import { flawed } from '../flaw.js'
import { areEqual, show } from '../plain-values.js'
import type { Lens, SpecificationInit, Specification } from '../specification.js'
import type { LoneObject } from './lone-object.js'
import { MemoryState } from './memory-state.js'

export type Side = 'old' | 'new'

/** A command that a lone class has executed, with its whole state before and after. */
export interface Executed {
  readonly method: string
  readonly args: readonly unknown[]
  readonly result: unknown
  readonly before: MemoryState
  readonly after: MemoryState
  readonly now: number
}

type Erased = SpecificationInit<Contract, Contract, unknown, unknown>
type ErasedShadow = (other: unknown, call: object) => unknown
type ErasedRefusal = string | ((args: readonly unknown[], states: object) => string | undefined) | undefined

/** Two adjacent versions, held together by their specification (R9). Everything that it says is checked when it is used. */
export class Link {
  readonly #specification: Specification
  readonly #init: Erased

  constructor(specification: Specification) {
    this.#specification = specification
    this.#init = specification.init
  }

  get name(): string {
    return `${this.#specification.from.name} → ${this.#specification.to.name}`
  }

  read(side: Side, state: MemoryState): Promise<unknown> {
    return this.#total(`views.${side}.read`, () => this.#lens(side).read(state.view()))
  }

  /** The state that a value stands for; what is read from it must be the value again. */
  async write(side: Side, value: unknown): Promise<MemoryState> {
    const state = new MemoryState()
    await this.#total(`views.${side}.write`, () => state.change(view => this.#lens(side).write(value, view)))
    const again = await this.read(side, state)
    if (!areEqual(again, value)) {
      throw flawed('specification', `views.${side} does not read what it has written`, {
        expected: show(value),
        actual: show(again)
      })
    }
    return state
  }

  async map(old: unknown): Promise<unknown> {
    const next = await this.#total(`map of ${show(old)}`, () => this.#init.map(old))
    await this.assertInvariant(old, next, 'after map')
    return next
  }

  async assertInvariant(old: unknown, next: unknown, when: string): Promise<void> {
    const holds: unknown = await this.#total('invariant', () => this.#init.invariant(old, next))
    if (holds === true) return
    const what = typeof holds === 'string' ? `: ${holds}` : ''
    throw flawed('specification', `the invariant of ${this.name} does not hold ${when}${what}`, {
      actual: `old ${show(old)}, new ${show(next)}`
    })
  }

  /** What a command of the class on `side` amounts to on the other value. @throws Flawed where its precondition fails */
  async shadow(side: Side, call: Executed, other: unknown): Promise<unknown> {
    const shadow = (this.#init.shadows[side] as Readonly<Record<string, ErasedShadow>>)[call.method]
    const name = `shadows.${side}.${call.method}`
    if (typeof shadow !== 'function') throw flawed('specification', `${name} of ${this.name} is missing`)
    const before = await this.read(side, call.before)
    const after = await this.read(side, call.after)
    const { args, result, now } = call
    try {
      return await shadow(other, { args, result, before, after, now })
    } catch (error) {
      throw flawed(
        'specification',
        `${name} of ${this.name} threw although ${call.method}(${args.map(show).join(', ')}) was executed (R9): ${messageOf(error)}`,
        { actual: `${side === 'old' ? 'old' : 'new'} ${show(before)}, other ${show(other)}` }
      )
    }
  }

  /** Why a call of the class on `side` may be refused in these states (R8); `undefined`: it may not. */
  refusal(side: Side, method: string, args: readonly unknown[], old: unknown, next: unknown): string | undefined {
    const refusals = this.#init.disallow?.[side] as Readonly<Record<string, ErasedRefusal>> | undefined
    const refusal = refusals?.[method]
    return typeof refusal === 'function' ? refusal(args, { old, new: next }) : refusal
  }

  /** Old and new begin related: a peer may begin as either. */
  async assertBeginning(old: LoneObject, next: LoneObject): Promise<void> {
    await this.assertInvariant(
      await this.read('old', old.state),
      await this.read('new', next.state),
      'between the initial states'
    )
  }

  #lens(side: Side): Lens<unknown> {
    return this.#init.views[side]
  }

  async #total<T>(what: string, run: () => T | Promise<T>): Promise<T> {
    try {
      return await run()
    } catch (error) {
      throw flawed('specification', `${what} of ${this.name} is not total: it threw ${messageOf(error)}`)
    }
  }
}
