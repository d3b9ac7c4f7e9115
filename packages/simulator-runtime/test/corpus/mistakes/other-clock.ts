import { FutureNamedLoans, lending, rightLoans } from '../bases/loans.js'
import type { Mistake } from '../mistake.js'

class ReadsTheClock extends FutureNamedLoans {
  override async lend(...[thing, borrower, ms]: Parameters<FutureNamedLoans['lend']>): Promise<number> {
    await super.lend(thing, borrower, ms)

    return Date.now() + ms
  }
}

export default {
  planted: 'a simulation object asks the clock of the machine, its delegate the time of the request',
  found: { kind: 'sequence', naming: /v2\.lend/ },
  wrong: lending({ future: ReadsTheClock }),
  corrected: rightLoans
} satisfies Mistake
