import type { ScheduleDecision, ScheduleInputs } from '@instar/core'

const lookAgainMs = 3_600_000

/** When an operator of this peer approves; the approval is an input of its own, so there is little to look again for. */
export function manual({ approved, nowMs, version }: ScheduleInputs): ScheduleDecision {
  if (approved) return { decision: 'upgrade', reason: 'manual: approved by an operator of this peer' }
  return {
    decision: 'wait',
    reason: `manual: waits for \`instar upgrade approve ${version}\` on this peer`,
    lookAgainAtMs: nowMs + lookAgainMs
  }
}
