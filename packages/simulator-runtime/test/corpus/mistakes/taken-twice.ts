import { FutureQueue, queues, rightQueues } from '../bases/queue.js'
import type { Mistake } from '../mistake.js'

class TriesAgain extends FutureQueue {
  override async take(): Promise<string | null> {
    const taken = await this.ctx.delegate.take()
    // An empty entry is an entry as well.
    return taken || this.ctx.delegate.take()
  }
}

export default {
  planted: 'a falsy answer is taken for none, and the command is made again: it takes two entries',
  found: { kind: ['shadow', 'sequence'], naming: /→ v2\.take\(\)/ },
  wrong: queues({ future: TriesAgain }),
  corrected: rightQueues
} satisfies Mistake
