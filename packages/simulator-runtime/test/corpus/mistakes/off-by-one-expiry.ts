import { lending, NamedLoans, rightLoans } from '../bases/loans.js'
import type { Mistake } from '../mistake.js'

class OneTooLong extends NamedLoans {
  protected override isOpen({ until }: { until: number }): boolean {
    return until >= this.ctx.now()
  }
}

export default {
  planted: 'at the new version what is lent until a moment is still lent at that moment',
  found: { kind: 'sequence', naming: /→ v\d\.(isLent|borrower)\("(bike|boat)"\) = / },
  wrong: lending({ to: OneTooLong }),
  corrected: rightLoans
} satisfies Mistake
