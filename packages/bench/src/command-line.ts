import { parseArgs } from 'node:util'
import type { Suite, SuiteOptions } from './suite.js'

export interface CommandLine extends SuiteOptions {
  readonly suite: Suite
  readonly json: boolean
}

/** The command line is wrong; the message is one sentence that says how it is right. */
export class UsageError extends Error {
  override readonly name = 'UsageError'
}

const runsMax = 100
const peersMax = 50

/** @returns undefined when help is asked for. @throws UsageError */
export function parseCommandLine(args: readonly string[], suites: readonly Suite[]): CommandLine | undefined {
  const { values, positionals } = read(args)
  if (values.help === true) return undefined
  const [name, ...more] = positionals
  const names = suites.map(suite => suite.name).join(', ')
  if (name === undefined) throw new UsageError(`Name a suite: ${names}.`)
  const suite = suites.find(each => each.name === name)
  if (suite === undefined) throw new UsageError(`There is no suite ${name}; there are ${names}.`)
  if (more.length > 0) throw new UsageError(`One suite at a time: ${name} or ${more.join(' or ')}.`)
  return {
    suite,
    json: values.json === true,
    quick: values.quick === true,
    runs: values.runs === undefined ? undefined : toNumber('--runs', values.runs, 1, runsMax),
    only: values.only === undefined ? undefined : toPattern(values.only),
    peers: values.peers?.split(',').map(text => toNumber('--peers', text, 2, peersMax))
  }
}

function read(args: readonly string[]) {
  try {
    return parseArgs({
      args: [...args],
      allowPositionals: true,
      options: {
        json: { type: 'boolean' },
        quick: { type: 'boolean' },
        runs: { type: 'string' },
        only: { type: 'string' },
        peers: { type: 'string' },
        help: { type: 'boolean', short: 'h' }
      }
    })
  } catch (thrown) {
    const why = thrown instanceof Error ? (thrown.message.split('. ')[0] ?? '') : String(thrown)
    throw new UsageError(`${why.replace(/\.$/, '')}; --help tells what there is.`)
  }
}

function toNumber(option: string, text: string, low: number, high: number): number {
  const value = Number(text)
  if (Number.isInteger(value) && value >= low && value <= high) return value
  throw new UsageError(`${option} takes whole numbers from ${low} to ${high}, not ${text}.`)
}

function toPattern(text: string): RegExp {
  try {
    return new RegExp(text, 'i')
  } catch {
    throw new UsageError(`--only takes a regular expression, and ${text} is none.`)
  }
}

export function helpText(suites: readonly Suite[]): string {
  return `Measures Instar on this machine, side by side with what it is compared with.

  npm run bench -- <suite> [--only <pattern>] [--runs <n>] [--quick] [--json] [--peers <n,…>]

Suites:
${suites.map(suite => `  ${suite.name.padEnd(8)} ${suite.summary}`).join('\n')}

Options:
  --only <p>      only cases whose name matches this regular expression; nothing else is started
  --runs <n>      how often each figure is taken; the median is shown
  --quick         shorter and rougher, to see that it works
  --json          one JSON object per line: suite, case, metric, unit, value, baseline, ratio
  --peers <n,…>   sizes of the networks of the suite spread (default: 5,10)
  -h, --help      this text

How to read it: subjects are measured in turns (A B C, C B A, …), so that whatever else the machine does meets all of them. A ratio is the subject's
value divided by the baseline's in the same run, and the median of that over all runs. On a machine that is not idle trust ratios, not values.

Examples:
  $ npm run bench -- rpc
  $ npm run bench -- rpc --only 'null call.*: (grpc-js|Instar, query$)'
  $ npm run bench -- spread --peers 5,20 --runs 3
  $ npm run --silent bench -- rpc --quick --json | jq 'select(.baseline == "grpc-js")'

Exit codes: 0 done, 1 it failed, 2 the command line is wrong, 130 stopped by Ctrl-C.
`
}
