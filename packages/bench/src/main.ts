import { messageOf } from '@instar/core'
import { helpText, parseCommandLine, UsageError, type CommandLine } from './command-line.js'
import type { Measurement } from './measurement/measurement.js'
import { toJsonLine } from './output/json-lines.js'
import { describeMachine } from './output/machine.js'
import { createProgress } from './output/progress.js'
import { toTable } from './output/table.js'
import { catchUpSuite } from './catch-up/suite.js'
import { hostSuite } from './host/suite.js'
import { rpcSuite } from './rpc/suite.js'
import { spreadSuite } from './spread/suite.js'
import { switchSuite } from './switch/suite.js'
import { trustSuite } from './trust/suite.js'
import type { Suite } from './suite.js'

const suites: readonly Suite[] = [rpcSuite, hostSuite, spreadSuite, switchSuite, catchUpSuite, trustSuite]

process.exitCode = await main(process.argv.slice(2))

async function main(args: readonly string[]): Promise<number> {
  try {
    const commandLine = parseCommandLine(args, suites)
    if (commandLine !== undefined) return await measure(commandLine)
    process.stdout.write(helpText(suites))
    return 0
  } catch (thrown) {
    if (!(thrown instanceof UsageError)) throw thrown
    console.error(thrown.message)
    return 2
  }
}

async function measure({ suite, json, ...options }: CommandLine): Promise<number> {
  const stop = new AbortController()
  const interrupt = (): void => stop.abort(new Error('stopped'))
  process.on('SIGINT', interrupt).on('SIGTERM', interrupt)
  const progress = createProgress(process.stderr)
  const measurements: Measurement[] = []
  const before = describeMachine()
  try {
    await suite.run({
      ...options,
      signal: stop.signal,
      progress: text => progress.show(text),
      report(measurement) {
        measurements.push(measurement)
        if (!json) return
        progress.clear()
        console.log(toJsonLine(measurement))
      }
    })
  } catch (thrown) {
    progress.clear()
    if (stop.signal.aborted) return 130
    console.error(`The suite ${suite.name} failed: ${messageOf(thrown)}`)
    return 1
  }
  progress.clear()
  if (!json) console.log(`${toTable(measurements)}\n\nbefore: ${before}\nafter:  ${describeMachine()}`)
  return 0
}
