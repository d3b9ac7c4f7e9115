import { InvalidArgumentError } from 'commander'
import { describe, expect, it } from 'vitest'
import { healthExample, parseHealth } from './health.js'
import { parseDuration, parseMoment, toWords } from './duration.js'
import { needsExample, parseNeeds } from './needs.js'
import { parseVersion } from './numbers.js'
import { parseStrategy } from './schedule.js'

describe('durations', () => {
  it.each([
    ['500ms', 500],
    ['1.5s', 1500],
    ['5m', 300_000],
    ['2h', 7_200_000],
    ['7d', 604_800_000]
  ])('%s is %i ms', (text, ms) => expect(parseDuration(text)).toBe(ms))

  it.each(['', '5', 's', '-1s', '1w', '1 s'])('%j is none', text =>
    expect(() => parseDuration(text)).toThrow('duration')
  )

  it.each([
    [12.4, '12 ms'],
    [89_000, '89 s'],
    [120_000, '2 min'],
    [7_200_000, '2 h'],
    [604_800_000, '7 d']
  ])('%d ms reads %s', (ms, words) => expect(toWords(ms)).toBe(words))
})

describe('moments', () => {
  it.each([
    ['1s', '1970-01-01T00:00:01.000Z'],
    ['2026-03-01T12:00:00Z', '2026-03-01T12:00:00.000Z']
  ])('%s is %s', (text, moment) => expect(parseMoment(text, 0)).toBe(moment))

  it.each(['soon', '2026-03-01', '2026-13-01T00:00:00Z', '2026-03-01T12:00:00+02:00'])('%s is none', text =>
    expect(() => parseMoment(text, 0)).toThrow('moment')
  )
})

describe('schedules', () => {
  it.each([
    ['eager', { type: 'eager' }],
    ['manual', { type: 'manual' }],
    ['rolling:2', { type: 'rolling', maxUnavailable: 2 }],
    ['rolling:1:north', { type: 'rolling', maxUnavailable: 1, group: 'north' }],
    ['at:1s', { type: 'at', time: '1970-01-01T00:00:01.000Z' }],
    ['at:2026-03-01T12:00:00Z', { type: 'at', time: '2026-03-01T12:00:00.000Z' }]
  ])('%s', (text, strategy) => expect(parseStrategy(text, 0)).toEqual(strategy))

  it.each(['', 'fast', 'eager:1', 'rolling', 'rolling:0', 'rolling:1:a:b', 'at', 'at:soon'])('%j is none', text =>
    expect(() => parseStrategy(text, 0)).toThrow()
  )
})

it('versions may carry a v', () => {
  expect([parseVersion('2'), parseVersion('v12')]).toEqual([2, 12])
  for (const text of ['0', '-1', '1.5', 'two', 'vv1', '99999999']) expect(() => parseVersion(text)).toThrow('version')
})

describe('a health policy', () => {
  it('is made of words and values', () => {
    expect(parseHealth(healthExample)).toEqual({
      waitMs: 10_000,
      errorPercent: 2,
      minCalls: 100,
      idleCommitMs: 3_600_000,
      probe: { method: 'size', everyMs: 5000 },
      timeoutMs: 21_600_000,
      onFailure: 'back'
    })
    expect(parseHealth('probe:size/5s/1s/4, retry:1,retry-after:5m,abort:30%')).toEqual({
      probe: { method: 'size', everyMs: 5000, timeoutMs: 1000, missesMax: 4 },
      retry: 1,
      retryAfterMs: 300_000,
      abortPercent: 30
    })
  })

  it.each(['', 'wait', 'wait:soon', 'errors:0%', 'errors:5', 'on-failure:go', 'probe:', 'min-calls:0', 'patience:1s'])(
    'refuses %j',
    text => {
      expect(() => parseHealth(text)).toThrow(InvalidArgumentError)
    }
  )
})

describe('what a machine needs', () => {
  it('is read as people write it', () => {
    expect(parseNeeds(needsExample)).toEqual({
      diskBytes: 4 * 1024 ** 3,
      memoryMiB: 512,
      node: '>=24.1',
      platforms: ['linux-x64', 'linux-arm64']
    })
  })

  it.each(['', 'disk', 'disk=4', 'disk=4GB', 'node=>=24', 'platform=linux', 'gpu=1', 'disk=1GiB,'])(
    '"%s" is refused',
    text => expect(() => parseNeeds(text)).toThrow(/looks like/)
  )
})
