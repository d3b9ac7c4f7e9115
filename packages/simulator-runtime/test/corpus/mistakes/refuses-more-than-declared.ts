import { Disallowed } from '@instar/simulator-runtime'
import { FutureQueue, queues, rightQueues } from '../bases/queue.js'
import type { Mistake } from '../mistake.js'

class RefusesTooMuch extends FutureQueue {
  override push(entry: string, isUrgent: boolean): Promise<void> {
    if (entry === '') throw new Disallowed('version 1 can do nothing with an empty entry')
    return super.push(entry, isUrgent)
  }
}

export default {
  planted: 'a simulation object refuses a call that the specification does not let it refuse',
  found: { kind: 'disallow', naming: /v2\.push\("", false\)/ },
  wrong: queues({ future: RefusesTooMuch }),
  corrected: rightQueues
} satisfies Mistake
