import { interceptedSets, IntSetMeanwhile, rightInterceptedSets } from '../bases/intercepted-sets.js'
import type { Mistake } from '../mistake.js'

class LetsPass extends IntSetMeanwhile {
  override delete(x: number): Promise<void> {
    return this.ctx.delegate.delete(x)
  }
}

export default {
  planted: 'an interceptor passes a deletion of version 1 on without a look',
  found: { kind: 'sequence', naming: /v1\.delete[^]*v2\.getColor\(\d+\) = "(red|green)"/ },
  wrong: interceptedSets(LetsPass),
  corrected: rightInterceptedSets
} satisfies Mistake
