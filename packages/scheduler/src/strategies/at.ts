import type { ScheduleDecision, ScheduleInputs } from '@instar/core'

/** From a moment on, by this peer's wall clock. */
export function at(time: string, { nowMs }: ScheduleInputs): ScheduleDecision {
  const fromMs = Date.parse(time)
  if (nowMs >= fromMs) return { decision: 'upgrade', reason: `at: ${time} has come` }
  return { decision: 'wait', reason: `at: it begins at ${time}`, lookAgainAtMs: fromMs }
}
