import { countedSets, PastColorSet, rightCountedSets } from '../bases/counted-sets.js'
import type { Mistake } from '../mistake.js'

class Silent extends PastColorSet {
  override $delete() {
    return []
  }
}

export default {
  planted: 'a shadow in between returns no call for a deletion: only the third version misses it',
  found: { kind: 'shadow', naming: /delete\(\d+\) amounts to no call/ },
  wrong: countedSets({ past: Silent }),
  corrected: rightCountedSets
} satisfies Mistake
