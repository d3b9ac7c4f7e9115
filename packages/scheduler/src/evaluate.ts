import type { ScheduleDecision, ScheduleInputs, Strategy } from '@instar/core'
import { at } from './strategies/at.js'
import { eager } from './strategies/eager.js'
import { manual } from './strategies/manual.js'
import { rolling } from './strategies/rolling.js'

/**
 * Evaluates a scheduling function: reads its inputs and nothing else, so the same inputs give the same decision on every peer (R15).
 * It signals, it never acts. The deadline (R16), holds and the other gates are the core's.
 */
export function evaluate(strategy: Strategy, inputs: ScheduleInputs): ScheduleDecision {
  switch (strategy.type) {
    case 'eager':
      return eager()
    case 'rolling':
      return rolling(strategy, inputs)
    case 'at':
      return at(strategy.time, inputs)
    case 'manual':
      return manual(inputs)
  }
}
