import { queues, rightQueues, UrgentQueue } from '../bases/queue.js'
import type { Mistake } from '../mistake.js'

/** What has been taken and is not yet out of the queue, so that readers never miss it. */
let inHand: readonly string[] = []

class ShowsWhatIsInHand extends UrgentQueue {
  override async take(): Promise<string | null> {
    inHand = (await super.waiting()).slice(0, 1)
    try {
      return await super.take()
    } finally {
      inHand = []
    }
  }

  override async waiting(): Promise<string[]> {
    const before = inHand
    return [...before, ...(await super.waiting())]
  }
}

export default {
  planted: 'a query reads a variable that a command has under way, and sees half of the call: an entry twice',
  found: { kind: 'interleaving', naming: /beside it, v[12]\.waiting\(\)/ },
  wrong: queues({ to: ShowsWhatIsInHand }),
  corrected: rightQueues
} satisfies Mistake
