import { queues, queueInit, rightQueues } from '../bases/queue.js'
import type { Mistake } from '../mistake.js'

export default {
  planted: 'the mapping function of the specification knows no empty queue',
  found: { kind: 'specification', naming: /map of \[\][^]*not total/ },
  wrong: queues(
    {},
    {
      map: old => {
        if (old.length === 0) throw new RangeError('nothing to map')
        return queueInit.map(old)
      }
    }
  ),
  corrected: rightQueues
} satisfies Mistake
