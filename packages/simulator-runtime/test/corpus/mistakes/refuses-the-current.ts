import { Disallowed } from '@instar/simulator-runtime'
import { interceptedSets, IntSetMeanwhile, rightInterceptedSets } from '../bases/intercepted-sets.js'
import type { Mistake } from '../mistake.js'

class Refuses extends IntSetMeanwhile {
  override delete(x: number): Promise<void> {
    if (x === 10) throw new Disallowed('version 2 still needs it')
    return super.delete(x)
  }
}

export default {
  planted: 'an interceptor refuses a call of the version that runs: it is withdrawn, and the call is answered',
  found: { kind: 'simulation', naming: /v1\.delete\(10\)[^]*failed in delete: version 2 still needs it/ },
  wrong: interceptedSets(Refuses),
  corrected: rightInterceptedSets
} satisfies Mistake
