import { queueInit, queues, rightQueues } from '../bases/queue.js'
import type { Mistake } from '../mistake.js'

export default {
  planted: 'the specification lets an urgent entry go to the end of the old queue',
  found: { kind: 'specification', naming: /invariant[^]*does not hold after push\(.*, true\)/ },
  wrong: queues(
    {},
    {
      shadows: {
        old: queueInit.shadows.old,
        new: { ...queueInit.shadows.new, push: (old, { args: [entry] }) => [...old, entry] }
      }
    }
  ),
  corrected: rightQueues
} satisfies Mistake
