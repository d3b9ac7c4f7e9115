import { queues, rightQueues } from '../bases/queue.js'
import type { Mistake } from '../mistake.js'

export default {
  planted: 'the transform takes the order of the keys for the order of the numbers that they are: 10 comes before 5',
  found: { kind: 'identity', naming: /upgrade to 2[^]*waiting\(\)/ },
  wrong: queues({
    transform: async ({ oldState, newState }) => {
      const others = await oldState.values<string, string>().all()
      if (others.length > 0) await newState.put('waiting', { urgent: [], others })
    }
  }),
  corrected: rightQueues
} satisfies Mistake
