import type { Route, Routes } from '@instar/core'
import { describe, expect, it } from 'vitest'
import { routeCall } from './route-call.js'

const chainId = (version: number): string => `${version}`.padStart(16, 'c')
const route = (version: number, rest: Partial<Route>): Route => ({
  version,
  chainId: chainId(version),
  className: version < 6 ? 'int-set' : 'colour-set',
  state: 'served',
  ...rest
})

/** Joined at 2; 3 retired, 4 and 5 one contract, 6 the next, 7 superseded by 8, 8 not yet, 9 frozen. */
const routes: Routes = {
  entries: [
    route(2, { state: 'retired' }),
    route(3, { state: 'retired' }),
    route(4, { revision: 1 }),
    route(5, { revision: 1 }),
    route(6, { revision: 6 }),
    route(7, { state: 'superseded', by: 8 }),
    route(8, { state: 'notYet' }),
    route(9, { state: 'frozen' })
  ],
  served: [4, 6],
  newest: 9
}

function answer(version: number, fields: { className?: string; chainId?: string } = {}, table = routes): string {
  const className = version < 6 ? 'int-set' : 'colour-set'
  const routing = routeCall(
    { version, className, method: 'size', seq: 0, doneBelow: 0, remainingMs: 100, ...fields },
    table,
    200
  )
  if ('revision' in routing) return `revision ${routing.revision}`
  const { code, detail } = routing.refusal
  // R3: nothing is executed in any of these cases, and all say what is served.
  expect(detail).toMatchObject({ executed: 'no', newest: table.newest })
  expect(detail.served).toEqual(table.served)
  const retry = detail.retryAfterMs === undefined ? '' : ` after ${detail.retryAfterMs}`
  return `${code}${retry}${detail.by === undefined ? '' : ` by ${detail.by}`}${routing.news ? ', pull' : ''}`
}

describe('routing a call', () => {
  it.each([
    [1, 'Retired'],
    [2, 'Retired'],
    [3, 'Retired'],
    [4, 'revision 1'],
    [5, 'revision 1'],
    [6, 'revision 6'],
    [7, 'Superseded by 8'],
    [8, 'NotYet after 200'],
    [9, 'UnknownVersion'],
    [10, 'NotYet after 200, pull'],
    [4_000_000_000, 'NotYet after 200, pull']
  ])('at version %i: %s', (version, expected) => {
    expect(answer(version)).toBe(expected)
  })

  it('refuses a version of the same number with another history, and pulls the evidence', () => {
    expect(answer(4, { chainId: chainId(4) })).toBe('revision 1')
    expect(answer(4, { chainId: 'f'.repeat(16) })).toBe('Diverged, pull')
  })

  it('answers nothing from the version on that it has committed and the root decided against (§6)', () => {
    const diverged = { ...routes, served: [4, 5] as const, divergedAt: 6 }
    expect([5, 6, 7, 10].map(version => answer(version, {}, diverged))).toEqual([
      'revision 1',
      'Diverged',
      'Diverged',
      'Diverged'
    ])
  })

  it('says of a halted version that it is halted, and that it may come back', () => {
    const halted = { ...routes, entries: [...routes.entries, route(10, { state: 'halted', cause: 'it loses orders' })] }
    expect(answer(10, {}, { ...halted, newest: 10 })).toBe('NotYet after 200')
    const header = { version: 10, className: 'colour-set', method: 'size', seq: 0, doneBelow: 0, remainingMs: 100 }
    expect(routeCall(header, halted, 200)).toMatchObject({
      refusal: { message: 'version 10 of colour-set is halted: it loses orders: versions 4 to 6 are served' }
    })
  })

  it('refuses another class', () => {
    expect(answer(4, { className: 'colour-set' })).toBe('UnknownClass')
    expect(answer(6, { className: 'int-set' })).toBe('UnknownClass')
  })

  it('sends everyone away for a moment while nothing is known yet', () => {
    expect(answer(1, {}, { entries: [], served: undefined, newest: 0 })).toBe('NotYet after 200, pull')
    expect(answer(1, {}, { entries: [], served: undefined, newest: 2 })).toBe('NotYet after 200')
  })
})
