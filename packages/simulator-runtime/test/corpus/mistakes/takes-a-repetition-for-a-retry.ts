import { FutureQueue, queues, rightQueues } from '../bases/queue.js'
import type { Mistake } from '../mistake.js'

class DropsRepetitions extends FutureQueue {
  override async push(entry: string, isUrgent: boolean): Promise<void> {
    if ((await this.waiting()).at(-1) === entry) return
    return super.push(entry, isUrgent)
  }
}

export default {
  planted: 'a simulation object takes an equal call for a retry of the last one and drops it; sessions do that already',
  found: { kind: 'shadow', naming: /push\("(a|b|)", false\) amounts to no call/ },
  wrong: queues({ future: DropsRepetitions }),
  corrected: rightQueues
} satisfies Mistake
