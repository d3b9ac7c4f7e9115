import { fork, type ChildProcess } from 'node:child_process'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { InstarError, messageOf } from '@instar/core'
import type { WatchLimits } from './watch-report.js'

interface ForkInit {
  /** Whose host it is, for messages. */
  readonly name: string
  readonly heapMiB: number
  readonly watch?: WatchLimits | undefined
  /** Arguments of Node that confine it. */
  readonly execArgv: readonly string[]
}

/** From `src` (tests) and from `dist` alike this leads to the built file: Node cannot fork TypeScript that imports `.js`. */
const childModule = fileURLToPath(new URL('../../dist/host/child.js', import.meta.url))

/** Whether a command line is that of a host, of this installation of Instar or of another. */
export function isHostCommand(commandLine: readonly string[]): boolean {
  return commandLine.some(each => each.endsWith(join('dist', 'host', 'child.js')))
}

/** What a process may do where nobody says otherwise. */
const defaultWatch: WatchLimits = { stallMs: 10_000, memoryMiB: 1536 }

/**
 * Starts a process that waits for its first message. Where the machine has no descriptor, process or memory left, Node throws, or gives back a
 * child that is nothing but an error to come.
 *
 * @throws InstarError ProcessNotStarted
 */
export function forkHost({ name, heapMiB, watch = defaultWatch, execArgv }: ForkInit): ChildProcess {
  let why: unknown
  try {
    const child = fork(childModule, [watch.stallMs, watch.memoryMiB, heapMiB].map(String), {
      execPath: process.execPath,
      // Nothing of the peer's own command line or environment: what it may see is in the messages.
      execArgv: [`--max-old-space-size=${heapMiB}`, ...execArgv],
      env: { NODE_ENV: process.env['NODE_ENV'], TZ: process.env['TZ'], TMPDIR: process.env['TMPDIR'] },
      stdio: ['ignore', 'pipe', 'pipe', 'ipc', 'pipe', 'pipe'],
      serialization: 'advanced'
    })
    // The types do not know that.
    if ((child.stdio as unknown) !== undefined) return child
    child.on('error', () => undefined)
    why = new Error('too many files are open')
  } catch (thrown) {
    why = thrown
  }
  throw new InstarError(
    'ProcessNotStarted',
    `No process could be started for the host of ${name}: ${messageOf(why)}.`,
    {
      cause: why
    }
  )
}
