import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { isInWindow, nextOpeningMs, weekdays, type MaintenanceWindow } from './maintenance-window.js'

const at = (time: string): number => Date.parse(time)
const night: MaintenanceWindow = { days: ['mon', 'fri'], from: '22:00', to: '06:00', zone: 'UTC' }

// 2026-01-05 is a Monday.
describe('a maintenance window', () => {
  it.each([
    ['2026-01-05T21:59:59Z', false],
    ['2026-01-05T22:00:00Z', true],
    ['2026-01-06T05:59:59Z', true],
    ['2026-01-06T06:00:00Z', false],
    // It begins on Mondays and Fridays: what is left of it in the morning belongs to those.
    ['2026-01-05T03:00:00Z', false],
    ['2026-01-10T03:00:00Z', true]
  ])('that lasts into the next day is open at %s: %s', (time, isOpen) => {
    expect(isInWindow([night], at(time))).toBe(isOpen)
  })

  it('is of the clock on the wall, summer and winter', () => {
    const berlin = [{ days: weekdays, from: '02:00', to: '04:00', zone: 'Europe/Berlin' }]
    expect(isInWindow(berlin, at('2026-01-05T01:00:00Z'))).toBe(true)
    expect(isInWindow(berlin, at('2026-07-06T01:00:00Z'))).toBe(true)
    expect(isInWindow(berlin, at('2026-01-05T03:00:00Z'))).toBe(false)
    expect(isInWindow(berlin, at('2026-07-06T00:00:00Z'))).toBe(true)
  })

  it('takes the hour that is skipped for none, and the one that is repeated for two', () => {
    const three = [{ days: weekdays, from: '02:00', to: '03:00', zone: 'Europe/Berlin' }]
    const hoursOpen = (from: string): number => {
      const quarters = Array.from({ length: 48 }, (_, i) => at(from) + i * 900_000)
      return quarters.filter(each => isInWindow(three, each)).length / 4
    }
    expect(hoursOpen('2026-03-28T20:00:00Z')).toBe(0)
    expect(hoursOpen('2026-10-24T20:00:00Z')).toBe(2)
  })

  it('lasts to midnight, and all day', () => {
    expect(isInWindow([{ ...night, to: '24:00' }], at('2026-01-06T00:00:00Z'))).toBe(false)
    expect(isInWindow([{ ...night, from: '00:00', to: '24:00' }], at('2026-01-05T23:59:59Z'))).toBe(true)
    expect(isInWindow([{ ...night, from: '12:00', to: '12:00' }], at('2026-01-06T11:00:00Z'))).toBe(true)
  })

  it('opens next when a look at every minute finds it open first', () => {
    const time = fc.integer({ min: 0, max: 23 }).map(hour => `${String(hour).padStart(2, '0')}:30`)
    const zone = fc.constantFrom('UTC', 'Asia/Kathmandu', 'America/New_York', 'Pacific/Auckland')
    const window = fc.record({ days: fc.subarray([...weekdays], { minLength: 1 }), from: time, to: time, zone })
    // Not within a week of a change of clocks.
    const moment = fc.integer({ min: at('2026-01-10T00:00:00Z'), max: at('2026-02-20T00:00:00Z') })
    fc.assert(
      fc.property(window, moment, (window, nowMs) => {
        const next = nextOpeningMs([window], nowMs)
        if (next === undefined) throw new Error('a window with a day opens once a week')
        // All of these begin at a quarter of an hour of UTC.
        let dumb = Math.floor(nowMs / 900_000 + 1) * 900_000
        const begins = beginningsOf(window)
        while (!begins(dumb)) dumb += 900_000
        expect(isInWindow([window], dumb)).toBe(true)
        expect(new Date(next).toISOString()).toBe(new Date(dumb).toISOString())
      }),
      { numRuns: 60 }
    )
  })
})

function beginningsOf({ days, from, zone }: MaintenanceWindow): (wallMs: number) => boolean {
  const text = new Intl.DateTimeFormat('en-GB', {
    weekday: 'short',
    hour: '2-digit',
    minute: '2-digit',
    timeZone: zone
  })
  return wallMs => {
    const [day = '', time] = text.format(wallMs).split(/,? /)
    return (days as readonly string[]).includes(day.toLowerCase()) && time === from
  }
}
