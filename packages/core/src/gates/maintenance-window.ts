/** The days of a week as a policy names them. */
export const weekdays = ['mon', 'tue', 'wed', 'thu', 'fri', 'sat', 'sun'] as const
/** One of {@link weekdays}. */
type Weekday = (typeof weekdays)[number]

/**
 * A time of the week in which this peer may begin an upgrade, by the clock on the wall of a place. One whose end is not after its beginning
 * lasts into the next day. An hour that the clock skips in spring is never, one that it shows twice in autumn is twice.
 */
export interface MaintenanceWindow {
  /** On which it begins. */
  readonly days: readonly Weekday[]
  /** `HH:MM`, 00:00 to 23:59. */
  readonly from: string
  /** `HH:MM`, 00:00 to 24:00; the minute itself is outside. */
  readonly to: string
  /** A name of the IANA time zone database, or `UTC`. */
  readonly zone: string
}

const dayMinutes = 24 * 60
const minuteMs = 60_000

/** Whether one of the windows is open at this moment. */
export function isInWindow(windows: readonly MaintenanceWindow[], wallMs: number): boolean {
  return windows.some(window => covers(window, wallMs))
}

/**
 * When the next window opens; undefined where none ever does. For words and for a look at the right time, not for decisions: where the
 * clock is changed in between, it may be off by what it is changed by.
 */
export function nextOpeningMs(windows: readonly MaintenanceWindow[], wallMs: number): number | undefined {
  const opens = windows.map(window => nextOpeningOf(window, wallMs)).filter(each => each !== undefined)
  return opens.length === 0 ? undefined : Math.min(...opens)
}

function covers({ days, from, to, zone }: MaintenanceWindow, wallMs: number): boolean {
  const { day, minute } = clockIn(zone, wallMs)
  const begins = minutesOf(from)
  const ends = minutesOf(to)
  const dayBefore = (day + weekdays.length - 1) % weekdays.length
  const isOn = (at: number): boolean => days.includes(weekdays[at] as Weekday)
  if (begins < ends) return isOn(day) && minute >= begins && minute < ends
  return (isOn(day) && minute >= begins) || (isOn(dayBefore) && minute < ends)
}

function nextOpeningOf({ days, from, zone }: MaintenanceWindow, wallMs: number): number | undefined {
  const { day, minute } = clockIn(zone, wallMs)
  const thisMinuteMs = Math.floor(wallMs / minuteMs) * minuteMs
  for (let ahead = 0; ahead <= weekdays.length; ahead++) {
    if (!days.includes(weekdays[(day + ahead) % weekdays.length] as Weekday)) continue
    const minutes = ahead * dayMinutes + minutesOf(from) - minute
    if (minutes <= 0) continue
    const guessMs = thisMinuteMs + minutes * minuteMs
    // Once is enough: a clock is put back or forward by less than a day.
    return guessMs - differenceMs(clockIn(zone, guessMs).minute, minutesOf(from))
  }
  return undefined
}

/** The way from one time of the day to another, the shorter one around. */
function differenceMs(minute: number, wanted: number): number {
  const forward = (minute - wanted + dayMinutes) % dayMinutes
  return (forward > dayMinutes / 2 ? forward - dayMinutes : forward) * minuteMs
}

function minutesOf(time: string): number {
  const [hours = '', minutes = ''] = time.split(':')
  return Number(hours) * 60 + Number(minutes)
}

/** Making one takes longer than everything else here; zones come from the operator, so there are few. */
const clocks = new Map<string, Intl.DateTimeFormat>()

function clockIn(zone: string, wallMs: number): { readonly day: number; readonly minute: number } {
  let clock = clocks.get(zone)
  if (clock === undefined) {
    const shown = { weekday: 'short', hour: '2-digit', minute: '2-digit', hourCycle: 'h23' } as const
    clock = new Intl.DateTimeFormat('en-GB', { ...shown, timeZone: zone })
    clocks.set(zone, clock)
  }
  const parts = clock.formatToParts(wallMs)
  const part = (type: Intl.DateTimeFormatPartTypes): string => parts.find(each => each.type === type)?.value ?? ''
  return {
    day: weekdays.indexOf(part('weekday').toLowerCase() as Weekday),
    minute: Number(part('hour')) * 60 + Number(part('minute'))
  }
}
