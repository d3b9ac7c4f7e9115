import { PastIntSet, shadowedSets, v1, rightSets } from '../bases/sets.js'
import type { Mistake } from '../mistake.js'

class LooksTooLate extends PastIntSet {
  override async $insertColor({ args: [x], after }: Parameters<PastIntSet['$insertColor']>[0]) {
    if (await after.contains(x)) return []
    await this.count(1)
    return [v1.insert(x)]
  }
}

export default {
  planted: 'a shadow asks the delegate as it is after the call, and means before',
  found: { kind: 'shadow', naming: /v2\.insertColor/ },
  wrong: shadowedSets({ past: LooksTooLate }),
  corrected: rightSets
} satisfies Mistake
