import { expect, test } from 'vitest'
import { compare } from './measurement.js'

const units = { rate: '1/s' }
const caseOf = (subject: string): string => `case: ${subject}`

test('takes the ratio within each run, so that a slow run does not count against one subject only', () => {
  const samples = new Map([
    ['base', [{ rate: 100 }, { rate: 10 }, { rate: 100 }]],
    ['ours', [{ rate: 300 }, { rate: 30 }, { rate: 200 }]]
  ])
  expect(compare({ suite: 's', samples, units, baselines: ['base'], caseOf })).toEqual([
    { suite: 's', case: 'case: base', metric: 'rate', unit: '1/s', value: 100, baseline: null, ratio: null },
    { suite: 's', case: 'case: ours', metric: 'rate', unit: '1/s', value: 200, baseline: 'base', ratio: 3 }
  ])
})

test('compares with every baseline, and baselines with each other', () => {
  const samples = new Map([
    ['a', [{ rate: 1 }]],
    ['b', [{ rate: 2 }]],
    ['ours', [{ rate: 4 }]]
  ])
  const figures = compare({ suite: 's', samples, units, baselines: ['a', 'b', 'absent'], caseOf })
  expect(figures.map(({ case: name, baseline, ratio }) => [name, baseline, ratio])).toEqual([
    ['case: a', 'b', 0.5],
    ['case: b', 'a', 2],
    ['case: ours', 'a', 4],
    ['case: ours', 'b', 2]
  ])
})

test('gives no ratio against nothing, and four digits of everything', () => {
  const samples = new Map([
    ['base', [{ rate: 0 }]],
    ['ours', [{ rate: 12_345.678 }]]
  ])
  expect(compare({ suite: 's', samples, units, baselines: ['base'], caseOf })[1]).toMatchObject({
    value: 12_350,
    baseline: 'base',
    ratio: null
  })
})

test('refuses samples that lack a metric', () => {
  const samples = new Map([['ours', [{}]]])
  expect(() => compare({ suite: 's', samples, units, baselines: [], caseOf })).toThrow('without rate')
})
