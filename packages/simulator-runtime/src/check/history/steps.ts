import { isTwin, reverseOf, type Lineage, type Versions } from '../versions.js'

export interface Call {
  readonly version: number
  readonly method: string
  readonly args: readonly unknown[]
}

/** What can happen to an object besides calls. `upgrade` says how many versions it goes at once: more than one catches up late. */
export type LifeEvent =
  | { readonly event: 'introduce' | 'withdraw' | 'goBack' | 'commit' | 'retire' | 'restart' | 'crash' }
  | { readonly event: 'upgrade'; readonly by: number }

interface CallStep {
  readonly call: Call
  /** A query that is asked while the call, a command, is under way. */
  readonly beside?: Call
}

export type Step = LifeEvent | CallStep

export interface History {
  /** The version that the object begins as: it serves those before it from the beginning. */
  readonly start: number
  readonly steps: readonly Step[]
  /** Asked after every step, of every version that is served: what anybody could see. */
  readonly probes: readonly Call[]
}

/** Which versions are served, and what may happen next. The same rules where histories are made and where they are run. */
export class Life {
  readonly #versions: Versions
  low = 1
  high = 1
  current = 1
  /** What was current before the upgrade that is on trial. */
  before: number | undefined

  /** @param start what a new peer begins as, serving every version before it by past simulation objects */
  constructor({ versions }: Lineage, start = 1) {
    this.#versions = versions
    this.high = start
    this.current = start
    this.low = this.#lowestBehind(1, start)
  }

  serves(version: number): boolean {
    return version >= this.low && version <= this.high
  }

  allows(step: LifeEvent): boolean {
    switch (step.event) {
      case 'introduce':
        return simulates(this.#versions[this.high], 'future')
      case 'withdraw':
        return this.high > this.current
      case 'upgrade':
        return this.before === undefined && this.current + step.by <= this.#versions.length
      case 'goBack':
        // Where the state of before is put back (`back: copy`), or built again (`back: transform`), nothing is promised of past simulation objects farther out.
        return (
          this.before === this.current - 1 &&
          this.before >= this.low &&
          (isTwin(this.#versions[this.current - 1]) || this.before === this.low)
        )
      case 'commit':
        return this.before !== undefined
      case 'retire':
        return this.before === undefined && this.low < this.current
      case 'restart':
      case 'crash':
        return true
    }
  }

  take(step: LifeEvent): void {
    switch (step.event) {
      case 'introduce':
        this.high++
        break
      case 'withdraw':
        this.high--
        break
      case 'upgrade':
        // A peer goes one version at a time, and each is committed before the next: the way back never spans two.
        this.before = step.by === 1 ? this.current : undefined
        this.current += step.by
        this.high = Math.max(this.high, this.current)
        this.low = this.#lowestBehind(this.low, this.current)
        break
      case 'goBack':
        // As with a peer: what it has gone back from by code is served by nothing.
        if (reverseOf(this.#versions[this.current - 1]) !== undefined) this.high = this.before ?? this.high
        this.current = this.before ?? this.current
        this.before = undefined
        break
      case 'commit':
        this.before = undefined
        break
      case 'retire':
        this.low++
        break
      default:
    }
  }

  /** An upgrade without a past simulation object ends the version before it. */
  #lowestBehind(low: number, current: number): number {
    for (let version = current; version > low; version--) {
      if (!simulates(this.#versions[version - 1], 'past')) return version
    }
    return low
  }
}

/** Whether an upgrade lets its other version be served; a compatible one needs nothing for it. */
function simulates(definition: Versions[number] | undefined, role: 'past' | 'future'): boolean {
  if (definition?.instar !== 'upgrade') return definition !== undefined
  return definition[role] !== undefined || definition.from === definition.to.contract
}

export function isEvent(step: Step): step is LifeEvent {
  return 'event' in step
}
