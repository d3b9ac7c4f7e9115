import type { ScheduleDecision } from '@instar/core'

/** As soon as the other gates are open. */
export function eager(): ScheduleDecision {
  return { decision: 'upgrade', reason: 'eager: nothing to wait for' }
}
