import { FutureColorSet, shadowedSets, type Colour, rightSets } from '../bases/sets.js'
import type { Mistake } from '../mistake.js'

class Swallows extends FutureColorSet {
  override getColor(x: number): Promise<Colour> {
    return super.getColor(x).catch(() => 'blue')
  }
}

export default {
  planted: 'an error becomes an answer: what is not there is blue',
  found: { kind: 'sequence', naming: /v2\.getColor\(\d+\) = "blue"[^]*Failed/ },
  wrong: shadowedSets({ future: Swallows }),
  corrected: rightSets
} satisfies Mistake
