import type { Strategy } from '@instar/core'
import { InvalidArgumentError } from 'commander'
import { parseMoment } from './duration.js'

/** `eager`, `rolling:2`, `rolling:1:north`, `at:2026-03-01T12:00:00Z`, `at:2h`, `manual`. @throws InvalidArgumentError */
export function parseStrategy(text: string, nowMs: number): Strategy {
  const [type, ...rest] = text.split(':')
  if (type === 'eager' && rest.length === 0) return { type }
  if (type === 'manual' && rest.length === 0) return { type }
  if (type === 'at' && rest.length > 0) return { type, time: parseMoment(rest.join(':'), nowMs) }
  if (type === 'rolling') {
    const [count = '', group] = rest
    if (/^[1-9]\d{0,3}$/.test(count) && rest.length <= 2)
      return { type, maxUnavailable: Number(count), ...(group === undefined ? {} : { group }) }
  }
  throw new InvalidArgumentError(
    'A schedule is eager, rolling:<at most so many at once>[:<group>], at:<time> or manual.'
  )
}
