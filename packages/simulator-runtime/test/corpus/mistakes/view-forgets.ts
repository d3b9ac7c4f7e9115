import { queueInit, queues, rightQueues } from '../bases/queue.js'
import type { Mistake } from '../mistake.js'

const { views } = queueInit

export default {
  planted: 'a view of the specification does not say which entries are urgent',
  found: { kind: 'specification', naming: /views\.new lose something: v2\.waiting\(\)/ },
  wrong: queues(
    {},
    {
      views: {
        old: views.old,
        new: {
          read: async state => {
            const { urgent, others } = await views.new.read(state)
            return { urgent: [], others: [...urgent, ...others] }
          },
          write: views.new.write
        }
      }
    }
  ),
  corrected: rightQueues
} satisfies Mistake
