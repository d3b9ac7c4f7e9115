import { queueInit, queues, rightQueues } from '../bases/queue.js'
import type { Mistake } from '../mistake.js'

export default {
  planted: 'the invariant throws where there is no first entry',
  found: { kind: 'specification', naming: /invariant of Queue → UrgentQueue is not total/ },
  wrong: queues(
    {},
    {
      invariant: (old, next) => {
        const first = old[0]?.length ?? raise()
        return first >= 0 ? queueInit.invariant(old, next) : 'no length'
      }
    }
  ),
  corrected: rightQueues
} satisfies Mistake

function raise(): never {
  throw new RangeError('there is no first entry')
}
