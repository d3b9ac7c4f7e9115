import { spawn, type ChildProcess } from 'node:child_process'
import { text } from 'node:stream/consumers'
import { fileURLToPath } from 'node:url'

const bin = fileURLToPath(new URL('../bin/instar.js', import.meta.url))

export interface Ran {
  readonly code: number | null
  readonly out: string
  readonly err: string
}

/** Starts the real command in a folder; not a terminal, so without colours and questions. */
export function startInstar(cwd: string, args: readonly string[], nodeArgs: readonly string[] = []): ChildProcess {
  return spawn(process.execPath, [...nodeArgs, bin, ...args], {
    cwd,
    env: { PATH: process.env['PATH'], HOME: cwd, NODE_COMPILE_CACHE: process.env['NODE_COMPILE_CACHE'] },
    stdio: ['ignore', 'pipe', 'pipe']
  })
}

/** Runs the real command to its end. */
export async function instar(cwd: string, ...args: readonly string[]): Promise<Ran> {
  return instarOn([], cwd, ...args)
}

/** The same with arguments for Node itself. */
export async function instarOn(nodeArgs: readonly string[], cwd: string, ...args: readonly string[]): Promise<Ran> {
  const child = startInstar(cwd, args, nodeArgs)
  const ended = new Promise<number | null>(resolve => child.on('close', resolve))
  const [out, err, code] = await Promise.all([text(child.stdout!), text(child.stderr!), ended])
  return { code, out, err }
}

/** The objects that a command printed, one per line. */
export function objectsOf(out: string): Array<Record<string, unknown>> {
  return out
    .split('\n')
    .filter(line => line !== '')
    .map(line => JSON.parse(line) as Record<string, unknown>)
}
