import { expect, it } from 'vitest'
import { createCallerRecord } from './caller-record.js'

it('says who called a version last, and forgets whoever called longest ago', () => {
  let now = 0
  const record = createCallerRecord(() => ++now)
  for (let i = 0; i < 70; i++) record.note(1, `peer ${i}`)
  record.note(1, 'peer 20')
  record.note(2, 'another')
  const callers = record.of(1)
  expect(callers).toHaveLength(64)
  expect(callers.slice(0, 2)).toEqual([
    { peer: 'peer 20', lastMs: 71 },
    { peer: 'peer 69', lastMs: 70 }
  ])
  expect(callers.at(-1)).toEqual({ peer: 'peer 6', lastMs: 7 })
  expect(record.of(2)).toEqual([{ peer: 'another', lastMs: 72 }])
  expect(record.of(3)).toEqual([])
  for (let version = 10; version < 50; version++) record.note(version, 'one')
  expect(record.of(1)).toEqual([])
})
