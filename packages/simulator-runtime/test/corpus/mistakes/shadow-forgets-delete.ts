import { FutureColorSet, shadowedSets, v2, rightSets } from '../bases/sets.js'
import type { Mistake } from '../mistake.js'

class Forgetful extends FutureColorSet {
  override async $delete({ args: [x] }: Parameters<FutureColorSet['$delete']>[0]) {
    return [v2.delete(x)]
  }
}

export default {
  planted: 'the shadow of delete leaves the memory of the colour',
  found: { kind: 'sequence', naming: /v1\.delete[^]*v1\.insert[^]*v2\.getColor\(\d+\) = "(red|green)"/ },
  wrong: shadowedSets({ future: Forgetful }),
  corrected: rightSets
} satisfies Mistake
