import { parseArgs } from 'node:util'

export interface DemoOptions {
  readonly help: boolean
  /** The network goes on after the story, until Ctrl-C. */
  readonly keep: boolean
  /** Line by line, no live picture. */
  readonly plain: boolean
  /** Nothing but the summary as one JSON object on standard output. */
  readonly json: boolean
}

export const helpText = `Usage: npm run demo -- [options]

Starts five peers on this machine, upgrades the service that they run while
clients of the old and of the new version call it, kills one peer in the middle,
lets another join, and compares all state with a plain set at the end.

  --keep   leave the network running afterwards, until Ctrl-C
  --plain  print the story line by line (default where the output is no terminal)
  --json   print the summary as JSON; the story goes to standard error
  --help   this text

Exit code 0: no call failed and no element differs. 1: something did. 130: Ctrl-C.
`

/** @throws Error with one sentence for an option that it does not know */
export function parseDemoOptions(args: readonly string[]): DemoOptions {
  const flag = { type: 'boolean', default: false } as const
  const { values } = parseArgs({ args: [...args], options: { help: flag, keep: flag, plain: flag, json: flag } })
  return values
}
