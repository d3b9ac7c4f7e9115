import { v1 } from '../bases/sets.js'
import { PastNumbers, rightTwinSets, twinSets } from '../bases/twin-sets.js'
import type { Mistake } from '../mistake.js'

class SaysAndDoesNot extends PastNumbers {
  override async $insertColor({ args: [x] }: Parameters<PastNumbers['$insertColor']>[0]) {
    return [v1.insert(x)]
  }
}

export default {
  planted: 'the shadow of a twin says what a call amounts to, and does not do it to its own state',
  found: { kind: 'sequence', naming: /v2\.insertColor[^]*v1\.(contains\(\d+\) = false|size\(\) = 0)/ },
  wrong: twinSets({ past: SaysAndDoesNot }),
  corrected: rightTwinSets
} satisfies Mistake
