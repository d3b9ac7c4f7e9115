import type { WatchReport } from './watch-report.js'

/** How a host process ended. */
export interface ProcessExit {
  readonly code: number | null
  readonly signal: NodeJS.Signals | null
  readonly reported?: string
  /** What its watch said last. */
  readonly watch?: WatchReport
  readonly lastStderr: string
  readonly uptimeMs: number
}

/** For people: `exit code 1`, `SIGKILL`, and the last words, where there were any. */
export function howItEnded(exit: ProcessExit): string {
  const how = exit.signal ?? (exit.code === null ? 'it could not be started' : `exit code ${exit.code}`)
  const words = exit.reported ?? lastLine(exit.lastStderr)
  return words === '' ? how : `${how}, ${words}`
}

function lastLine(text: string): string {
  const lines = text.split('\n').map(line => line.trim())
  // V8 and Node say what happened in the line that names the error; what follows are stack traces and the version.
  const telling = lines.find(line => /^(FATAL )?\w*Error\b|^FATAL ERROR/.test(line))
  return (telling ?? lines.findLast(line => line !== '') ?? '').slice(0, 300)
}
