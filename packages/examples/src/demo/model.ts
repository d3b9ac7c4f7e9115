import { isRetryable, type CallErrorCode } from '@instar/core'
import type { Colour } from '../int-set/contracts.js'

/** One call of the demo's clients; version 1 calls an IntSet, version 2 a ColorSet. */
export type Operation =
  | { readonly version: 1 | 2; readonly method: 'delete' | 'contains'; readonly x: number }
  | { readonly version: 1; readonly method: 'insert'; readonly x: number }
  | { readonly version: 2; readonly method: 'insertColor'; readonly x: number; readonly colour: Colour }
  | { readonly version: 2; readonly method: 'getColor'; readonly x: number }

/** How a call ended for its caller. */
export type Answer =
  | { readonly ok: true; readonly value: unknown }
  | { readonly ok: false; readonly code: CallErrorCode; readonly message: string }

/** What the answer is worth. `refused`: the object cannot keep the call true and said so, as it declares (R8). */
export type Judgement =
  | { readonly verdict: 'right' | 'refused'; readonly after: Colour | undefined }
  | { readonly verdict: 'wrong' | 'givenUp'; readonly why: string }

/**
 * Holds one answer against reference example A: an element is absent (undefined) or has one colour, and what version 1 inserts is blue.
 * Decidable because nobody else calls about this element meanwhile.
 *
 * @param before the element, by all calls answered so far
 * @param mayRefuse whether the peer may still have run version 1 when it was called: afterwards version 2 is the object itself, which refuses nothing
 */
export function judge(operation: Operation, before: Colour | undefined, answer: Answer, mayRefuse: boolean): Judgement {
  if (!answer.ok) return judgeFailure(operation, before, answer, mayRefuse)
  const { value } = answer
  const expected = expectedValue(operation, before)
  if (expected === noValue) return wrong(operation, before, `answered ${show(value)} instead of a failure`)
  if (value !== expected) return wrong(operation, before, `answered ${show(value)} instead of ${show(expected)}`)
  return { verdict: 'right', after: stateAfter(operation, before) }
}

function judgeFailure(
  operation: Operation,
  before: Colour | undefined,
  answer: Answer & { ok: false },
  mayRefuse: boolean
): Judgement {
  const { code, message } = answer
  if (code === 'Failed' && expectedValue(operation, before) === noValue) return { verdict: 'right', after: before }
  const declared = operation.method === 'insertColor' && operation.colour !== 'blue'
  if (code === 'Disallowed' && declared && mayRefuse) return { verdict: 'refused', after: before }
  if (code === 'DeadlineExceeded' || isRetryable(code)) {
    return { verdict: 'givenUp', why: `${showOperation(operation)} was given up: ${code}, ${message}` }
  }
  return wrong(operation, before, `failed with ${code}: ${message}`)
}

/** The call has to fail. */
const noValue = Symbol('no value')

function expectedValue(operation: Operation, before: Colour | undefined): unknown {
  switch (operation.method) {
    case 'insert':
    case 'insertColor':
    case 'delete':
      return undefined
    case 'contains':
      return before !== undefined
    case 'getColor':
      return before ?? noValue
  }
}

function stateAfter(operation: Operation, before: Colour | undefined): Colour | undefined {
  switch (operation.method) {
    case 'insert':
      // A present element keeps its colour.
      return before ?? 'blue'
    case 'insertColor':
      return operation.colour
    case 'delete':
      return undefined
    case 'contains':
    case 'getColor':
      return before
  }
}

function wrong(operation: Operation, before: Colour | undefined, what: string): Judgement {
  return { verdict: 'wrong', why: `${showOperation(operation)} on ${before ?? 'an absent element'} ${what}` }
}

/** For people: `version 2 insertColor(7, red)`. */
function showOperation(operation: Operation): string {
  const args = operation.method === 'insertColor' ? `${operation.x}, ${operation.colour}` : String(operation.x)
  return `version ${operation.version} ${operation.method}(${args})`
}

function show(value: unknown): string {
  return value === undefined ? 'nothing' : JSON.stringify(value)
}
