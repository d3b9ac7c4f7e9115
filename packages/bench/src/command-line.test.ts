import { expect, test } from 'vitest'
import { helpText, parseCommandLine, UsageError } from './command-line.js'
import type { Suite } from './suite.js'

const suite = (name: string): Suite => ({ name, summary: `what ${name} measures`, run: () => Promise.resolve() })
const suites = [suite('rpc'), suite('spread')]
const parse = (line: string) => parseCommandLine(line.split(' ').filter(Boolean), suites)

test('finds the suite and its options, whatever their order', () => {
  expect(parse('rpc')).toMatchObject({ json: false, quick: false, runs: undefined, only: undefined, peers: undefined })
  expect(parse('--json spread --peers 5,10 --runs 3 --quick')).toMatchObject({
    suite: { name: 'spread' },
    json: true,
    quick: true,
    runs: 3,
    peers: [5, 10]
  })
  expect(parse('rpc --only GRPC')?.only?.test('64 KiB: grpc-js')).toBe(true)
})

test('shows help instead of measuring', () => {
  expect(parse('rpc --help')).toBeUndefined()
  expect(parse('-h')).toBeUndefined()
  expect(helpText(suites)).toContain('what spread measures')
})

test.each([
  ['', 'Name a suite: rpc, spread.'],
  ['speed', 'There is no suite speed; there are rpc, spread.'],
  ['rpc spread', 'One suite at a time: rpc or spread.'],
  ['rpc --runs many', '--runs takes whole numbers from 1 to 100, not many.'],
  ['rpc --only (64', '--only takes a regular expression, and (64 is none.'],
  ['spread --peers 5,1', '--peers takes whole numbers from 2 to 50, not 1.'],
  ['rpc --fast', "Unknown option '--fast'; --help tells what there is."]
])('refuses %j with one sentence', (line, sentence) => {
  expect(() => parse(line)).toThrow(new UsageError(sentence))
})
