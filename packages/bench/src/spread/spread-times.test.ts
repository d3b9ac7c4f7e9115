import type { Phase } from '@instar/core'
import { expect, test } from 'vitest'
import { spreadTimes } from './spread-times.js'

const phasesOf = (times: Partial<Record<Phase, number>>): Map<Phase, number> =>
  new Map(Object.entries(times) as Array<[Phase, number]>)

test('counts from the publisher to the last of the others', () => {
  const publisher = phasesOf({ known: 1000, rehearsing: 1001, introduced: 1050 })
  const others = [
    phasesOf({ known: 1010, rehearsing: 1040, introduced: 1090 }),
    phasesOf({ known: 1020, rehearsing: 1030, introduced: 1080 })
  ]
  expect(spreadTimes(publisher, others)).toEqual({ known: 20, 'bundle complete': 40, introduced: 90 })
})

test('takes the next phase where a peer passed over one', () => {
  const other = phasesOf({ fetching: 12, rehearsing: 20, introducing: 25, waiting: 30, committed: 50 })
  expect(spreadTimes(phasesOf({ rehearsing: 10 }), [other])).toEqual({
    known: 2,
    'bundle complete': 10,
    introduced: 20
  })
})

test('refuses to guess where a peer never came so far', () => {
  const other = phasesOf({ fetching: 12 })
  expect(() => spreadTimes(phasesOf({ known: 10 }), [other])).toThrow('never rehearsing; it was fetching')
})
