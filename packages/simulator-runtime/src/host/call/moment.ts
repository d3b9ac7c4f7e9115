import { seededRandom } from './seeded-random.js'

/** Time and chance of one request, fixed when they are first asked for: every façade, every shadow and every new try sees the same (§9). */
export class Moment {
  readonly #clock: () => number
  readonly #chance: () => number
  #now: number | undefined
  #seed: number | undefined

  constructor(clock: () => number, chance: () => number) {
    this.#clock = clock
    this.#chance = chance
  }

  get now(): number {
    return (this.#now ??= this.#clock())
  }

  /** The request's sequence, from its beginning. */
  sequence(): () => number {
    return seededRandom((this.#seed ??= this.#chance()))
  }
}
