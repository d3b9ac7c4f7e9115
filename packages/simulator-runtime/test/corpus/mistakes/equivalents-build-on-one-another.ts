import { countedSets, PastColorSet, v2, rightCountedSets } from '../bases/counted-sets.js'
import type { Mistake } from '../mistake.js'

class ReplacesItself extends PastColorSet {
  override async $replace({ args: [x, y], after }: Parameters<PastColorSet['$replace']>[0]) {
    return [v2.delete(x), v2.insertColor(y, await after.getColor(y))]
  }
}

export default {
  planted: 'an element that replaces itself is told outward as gone and as come, and was there before and after both',
  found: { kind: 'shadow', naming: /replace\((\d+), \1\)/ },
  wrong: countedSets({ past: ReplacesItself }),
  corrected: rightCountedSets
} satisfies Mistake
