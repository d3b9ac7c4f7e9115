import { queueInit, queues, rightQueues } from '../bases/queue.js'
import type { Mistake } from '../mistake.js'

export default {
  planted: 'a shadow of the specification demands what the call itself does not: that there is something to take',
  found: { kind: 'specification', naming: /shadows\.old\.take[^]*threw although take\(\) was executed/ },
  wrong: queues(
    {},
    {
      shadows: {
        ...queueInit.shadows,
        old: {
          ...queueInit.shadows.old,
          take: (next, call) => {
            if (next.urgent.length + next.others.length === 0) throw new RangeError('nothing to take')
            return queueInit.shadows.old.take(next, call)
          }
        }
      }
    }
  ),
  corrected: rightQueues
} satisfies Mistake
