import { FutureColorSet, shadowedSets, rightSets } from '../bases/sets.js'
import type { Mistake } from '../mistake.js'

class LosesTheDefault extends FutureColorSet {
  override delete(x: number): Promise<void> {
    return this.ctx.delegate.delete(x)
  }
}

export default {
  planted: 'what is made again after a delete of version 2 does not begin with the default',
  found: { kind: 'sequence', naming: /v2\.delete[^]*v1\.insert[^]*v2\.getColor\(\d+\) = "(red|green)"/ },
  wrong: shadowedSets({ future: LosesTheDefault }),
  corrected: rightSets
} satisfies Mistake
