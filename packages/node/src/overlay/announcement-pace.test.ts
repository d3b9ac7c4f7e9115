import { expect, test } from 'vitest'
import { AnnouncementPace, defaultRates } from './announcement-pace.js'

test('lets changes of phase go at once, at most twelve a minute', () => {
  const pace = new AnnouncementPace(defaultRates, 0)
  for (let i = 0; i < 12; i++) {
    expect(pace.waitMs(true, i)).toBe(0)
    pace.sent(true, i)
  }
  const waitMs = pace.waitMs(true, 12)
  expect(waitMs).toBeGreaterThan(4900)
  expect(waitMs).toBeLessThanOrEqual(5000)
  expect(pace.waitMs(true, 12 + waitMs)).toBe(0)
})

test('lets other changes go once in ten seconds, counted from whatever went last', () => {
  const pace = new AnnouncementPace(defaultRates, 0)
  expect(pace.waitMs(false, 0)).toBe(0)
  pace.sent(true, 1000)
  expect(pace.waitMs(false, 2000)).toBe(9000)
  expect(pace.waitMs(true, 2000)).toBe(0)
  expect(pace.waitMs(false, 11_000)).toBe(0)
})

test('does not lend time to a clock that was set back', () => {
  const pace = new AnnouncementPace({ ...defaultRates, urgentPerMinute: 1 }, 10_000)
  pace.sent(true, 10_000)
  expect(pace.waitMs(true, 0)).toBe(60_000)
})
