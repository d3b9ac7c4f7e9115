import { FutureQueue, queues, rightQueues } from '../bases/queue.js'
import type { Mistake } from '../mistake.js'

class DoesNotWait extends FutureQueue {
  override async push(entry: string, isUrgent: boolean): Promise<void> {
    super.push(entry, isUrgent).catch(() => undefined)
  }
}

export default {
  planted: 'a call of the delegate is not waited for, so that it is not known what becomes of it',
  found: { kind: 'shadow', naming: /v2\.push[^]*still running/ },
  wrong: queues({ future: DoesNotWait }),
  corrected: rightQueues
} satisfies Mistake
