import { FutureColorSet, shadowedSets, type Colour, rightSets } from '../bases/sets.js'
import type { Mistake } from '../mistake.js'

class ThrowsWrongly extends FutureColorSet {
  override async getColor(x: number): Promise<Colour> {
    if (!(await this.contains(x))) throw new RangeError(`${x} is not in the set`)
    return super.getColor(x)
  }
}

export default {
  planted: 'an error that callers may expect is thrown as one that they may not',
  found: { kind: 'type', naming: /v2\.getColor[^]*OutOfContract/ },
  wrong: shadowedSets({ future: ThrowsWrongly }),
  corrected: rightSets
} satisfies Mistake
