import { pino } from 'pino'
import { expect, test } from 'vitest'
import { createRefusals } from './refusals.js'

function refusals() {
  const lines: { kind: string; reason: string; refused: number }[] = []
  let nowMs = 0
  const log = pino({ level: 'info' }, { write: (line: string) => lines.push(JSON.parse(line) as never) })
  return { lines, refusals: createRefusals({ log, now: () => nowMs }), at: (ms: number) => (nowMs = ms) }
}

test('counts each, and writes one line for each reason in ten seconds that says how many', () => {
  const { lines, refusals: all, at } = refusals()
  for (let i = 0; i < 1000; i++) all.count('gossip', 'TooLarge', 'peer')
  all.count('sync', 'Busy')
  at(10_000)
  all.count('gossip', 'TooLarge', 'peer')
  expect(lines.map(({ kind, reason, refused }) => [kind, reason, refused])).toEqual([
    ['gossip', 'TooLarge', 1],
    ['sync', 'Busy', 1],
    ['gossip', 'TooLarge', 1000]
  ])
  expect(all.all()).toEqual([
    { kind: 'gossip', reason: 'TooLarge', count: 1001 },
    { kind: 'sync', reason: 'Busy', count: 1 }
  ])
})

test('keeps a bounded number of reasons', () => {
  const { refusals: all } = refusals()
  for (let i = 0; i < 1000; i++) all.count('call', `reason ${i}`)
  expect(all.all().length).toBeLessThanOrEqual(205)
  expect(all.all().reduce((sum, each) => sum + each.count, 0)).toBe(1000)
})
