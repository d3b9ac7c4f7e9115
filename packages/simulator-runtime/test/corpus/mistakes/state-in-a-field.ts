import { FutureColorSet, shadowedSets, type Colour, rightSets } from '../bases/sets.js'
import type { Mistake } from '../mistake.js'

class Remembers extends FutureColorSet {
  // Frozen instances have private fields all the same; this one lives as long as its request.
  readonly #colours = new Map<number, Colour>()

  override async insertColor(x: number, color: Colour): Promise<void> {
    await this.ctx.delegate.insert(x)
    this.#colours.set(x, color)
  }

  override async getColor(x: number): Promise<Colour> {
    return this.#colours.get(x) ?? super.getColor(x)
  }
}

export default {
  planted: 'a colour is kept in a field of an instance, which is gone when the call is answered',
  found: { kind: 'sequence', naming: /v2\.insertColor[^]*v2\.getColor\(\d+\) = "blue"/ },
  wrong: shadowedSets({ future: Remembers }),
  corrected: rightSets
} satisfies Mistake
