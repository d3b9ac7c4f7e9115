import { lending, FutureNamedLoans, somebody, v2, rightLoans } from '../bases/loans.js'
import type { Mistake } from '../mistake.js'

class AnswersOtherwise extends FutureNamedLoans {
  override async $lend({ args: [thing, ms] }: Parameters<FutureNamedLoans['$lend']>[0]) {
    await this.ctx.state.del(thing)
    return [v2.lend(thing, somebody, ms).answering(ms)]
  }
}

export default {
  planted: 'an equivalent call says another result than it would have had',
  found: { kind: 'shadow', naming: /lend would answer otherwise/ },
  wrong: lending({ future: AnswersOtherwise }),
  corrected: rightLoans
} satisfies Mistake
