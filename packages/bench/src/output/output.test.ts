import { expect, test } from 'vitest'
import type { Measurement } from '../measurement/measurement.js'
import { toJsonLine } from './json-lines.js'
import { toTable } from './table.js'

const figure = (init: Partial<Measurement>): Measurement => ({
  suite: 'rpc',
  case: 'null call: Instar',
  metric: 'throughput',
  unit: 'calls/s',
  value: 12_345,
  baseline: 'grpc-js',
  ratio: 2.5,
  ...init
})

test('a JSON line has all fields in their order, and null where there is nothing to compare with', () => {
  expect(toJsonLine(figure({}))).toBe(
    '{"suite":"rpc","case":"null call: Instar","metric":"throughput","unit":"calls/s","value":12345,"baseline":"grpc-js","ratio":2.5}'
  )
  expect(toJsonLine(figure({ baseline: null, ratio: null }))).toContain('"baseline":null,"ratio":null}')
})

test('a table has a row per case, a column per metric and one per baseline', () => {
  const table = toTable([
    figure({}),
    figure({ metric: 'p50', unit: 'ms', value: 0.012_345, ratio: 0.5 }),
    figure({ case: 'null call: grpc-js', value: 4_938, baseline: null, ratio: null })
  ])
  expect(table).toBe(
    [
      '┌────────────────────┬─────────────────────┬─────────┬─────────────────────────────┐',
      '│ case               │ throughput, calls/s │ p50, ms │ ÷ grpc-js: throughput · p50 │',
      '├────────────────────┼─────────────────────┼─────────┼─────────────────────────────┤',
      '│ null call: Instar  │              12 300 │  0.0123 │                   2.5 · 0.5 │',
      '│ null call: grpc-js │               4 940 │       – │                             │',
      '└────────────────────┴─────────────────────┴─────────┴─────────────────────────────┘'
    ].join('\n')
  )
})
