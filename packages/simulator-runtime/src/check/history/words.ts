import { areEqual, show } from '../plain-values.js'
import { isError, type Answer } from '../reference/lone-object.js'
import type { Call, Life, LifeEvent } from './steps.js'

export function nameOf({ version, method, args }: Call): string {
  return `v${version}.${method}(${args.map(show).join(', ')})`
}

export function callWords(call: Call, answer: Answer): string {
  return `${nameOf(call)} = ${showAnswer(answer)}`
}

export function showAnswer(answer: Answer): string {
  return isError(answer) ? `${answer.code} (${answer.message})` : show(answer.value)
}

/** The same for a caller: a failure is its code, whatever its words. */
export function sameAnswer(a: Answer, b: Answer): boolean {
  if (isError(a) || isError(b)) return isError(a) && isError(b) && a.code === b.code
  return areEqual(a.value, b.value)
}

/** @param life after the event */
export function eventWords(step: LifeEvent, life: Life): string {
  switch (step.event) {
    case 'introduce':
      return `introduce ${life.high}`
    case 'withdraw':
      return `withdraw ${life.high + 1}`
    case 'upgrade':
      return `upgrade to ${life.current}`
    case 'goBack':
      return `go back to ${life.current}`
    case 'retire':
      return `retire ${life.low - 1}`
    default:
      return step.event
  }
}
