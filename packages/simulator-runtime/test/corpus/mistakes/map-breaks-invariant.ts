import { queues, rightQueues } from '../bases/queue.js'
import type { Mistake } from '../mistake.js'

export default {
  planted: 'the mapping function of the specification turns the queue round',
  found: { kind: 'specification', naming: /invariant of Queue → UrgentQueue does not hold after map/ },
  wrong: queues({}, { map: old => ({ urgent: [], others: old.toReversed() }) }),
  corrected: rightQueues
} satisfies Mistake
