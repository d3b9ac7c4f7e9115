import { FutureNamedLoans, lending, somebody, v2, rightLoans } from '../bases/loans.js'
import type { Mistake } from '../mistake.js'

class KeepsTheName extends FutureNamedLoans {
  override async $lend({ args: [thing, ms], result: until }: Parameters<FutureNamedLoans['$lend']>[0]) {
    return [v2.lend(thing, somebody, ms).answering(until)]
  }
}

export default {
  planted: 'what has expired without a call is forgotten by nobody: the next loan of version 1 has the last borrower',
  found: { kind: 'sequence', naming: /v1\.lend[^]*v2\.borrower\("(bike|boat)"\) = "(ann|bob)"/ },
  wrong: lending({ future: KeepsTheName }),
  corrected: rightLoans
} satisfies Mistake
