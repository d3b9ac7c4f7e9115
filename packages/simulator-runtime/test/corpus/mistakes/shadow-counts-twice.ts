import { PastIntSet, shadowedSets, v1, rightSets } from '../bases/sets.js'
import type { Mistake } from '../mistake.js'

class CountsTwice extends PastIntSet {
  override async $insertColor({ args: [x] }: Parameters<PastIntSet['$insertColor']>[0]) {
    await this.count(1)
    return [v1.insert(x)]
  }
}

export default {
  planted: 'a shadow counts an element that was there already',
  found: { kind: 'sequence', naming: /v1\.size\(\) = / },
  wrong: shadowedSets({ past: CountsTwice }),
  corrected: rightSets
} satisfies Mistake
