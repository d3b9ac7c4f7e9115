import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { colours, type Colour } from '../int-set/contracts.js'
import { judge, type Answer, type Operation } from './model.js'

const done: Answer = { ok: true, value: undefined }
const failed = (code: 'Failed' | 'Disallowed' | 'Upgrading' | 'DeadlineExceeded' | 'Retired'): Answer => ({
  ok: false,
  code,
  message: 'no'
})
const right = (after: Colour | undefined) => ({ verdict: 'right', after })
const getColor: Operation = { version: 2, method: 'getColor', x: 3 }
const insertRed: Operation = { version: 2, method: 'insertColor', x: 3, colour: 'red' }

describe('the judge of answers', () => {
  it('knows the steps of reference example A', () => {
    expect(judge({ version: 1, method: 'insert', x: 3 }, undefined, done, true)).toEqual(right('blue'))
    expect(judge({ version: 1, method: 'insert', x: 3 }, 'red', done, true)).toEqual(right('red'))
    expect(judge({ version: 1, method: 'delete', x: 3 }, 'red', done, true)).toEqual(right(undefined))
    expect(judge(insertRed, 'blue', done, true)).toEqual(right('red'))
    expect(judge(getColor, 'blue', { ok: true, value: 'blue' }, true)).toEqual(right('blue'))
    expect(judge(getColor, undefined, failed('Failed'), true)).toEqual(right(undefined))
  })

  it('calls red a wrong answer where blue is due', () => {
    expect(judge(getColor, 'blue', { ok: true, value: 'red' }, true)).toEqual({
      verdict: 'wrong',
      why: 'version 2 getColor(3) on blue answered "red" instead of "blue"'
    })
  })

  it('takes no answer but the one that is due', () => {
    const operation: fc.Arbitrary<Operation> = fc.oneof(
      fc.constant(getColor),
      fc.constantFrom<1 | 2>(1, 2).map(version => ({ version, method: 'contains' as const, x: 3 }))
    )
    const before = fc.option(fc.constantFrom(...colours), { nil: undefined })
    const value = fc.oneof(fc.boolean(), fc.constantFrom(...colours), fc.constant(undefined))
    fc.assert(
      fc.property(operation, before, value, (asked, state, answered) => {
        const due = asked.method === 'contains' ? state !== undefined : state
        const verdict = judge(asked, state, { ok: true, value: answered }, true).verdict
        const isRight = due !== undefined && due === answered
        expect(verdict).toBe(isRight ? 'right' : 'wrong')
      })
    )
  })

  it('counts a refusal only where the direct simulation object declares one, and only before the upgrade', () => {
    expect(judge(insertRed, 'blue', failed('Disallowed'), true)).toEqual({ verdict: 'refused', after: 'blue' })
    expect(judge(insertRed, 'blue', failed('Disallowed'), false).verdict).toBe('wrong')
    expect(judge({ ...insertRed, colour: 'blue' }, 'blue', failed('Disallowed'), true).verdict).toBe('wrong')
    expect(judge(getColor, 'blue', failed('Disallowed'), true).verdict).toBe('wrong')
  })

  it('tells calls that were given up from calls that were answered wrongly', () => {
    expect(judge(getColor, 'blue', failed('DeadlineExceeded'), true).verdict).toBe('givenUp')
    expect(judge(getColor, 'blue', failed('Upgrading'), true).verdict).toBe('givenUp')
    expect(judge(getColor, 'blue', failed('Retired'), true).verdict).toBe('wrong')
    expect(judge(getColor, 'blue', failed('Failed'), true).verdict).toBe('wrong')
  })
})
