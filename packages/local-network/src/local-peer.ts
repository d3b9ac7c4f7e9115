import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Timing } from '@instar/core'
import { createControlClient, type ControlClient } from '@instar/cli'
import { findControlSocket, type PeerStatus } from '@instar/node/control'
import { instarPath } from './run-instar.js'

export interface StartOptions {
  /** Where and when the process dies by itself, see `INSTAR_FAULTS`. */
  readonly faults?: string
  readonly env?: Readonly<Record<string, string>>
  /** Waiting times that differ from the defaults; written to the peer's `config.json` before its first start. */
  readonly timing?: Partial<Timing>
  readonly groups?: readonly string[]
  readonly className?: string
  /** More words of its command line; `--online-keys` and what belongs to it are understood from the second start on. */
  readonly words?: readonly string[]
  /** Puts the process into a group of its own, so that Ctrl-C in the terminal does not reach it: whoever started it has to end it. */
  readonly ownGroup?: boolean
  /** What the process prints, line by line. */
  readonly onLine?: (line: string) => void
}

export interface ProcessEnd {
  readonly code: number | null
  readonly signal: NodeJS.Signals | null
}

/** One peer in a process of its own, started by the `instar` command like anyone's. */
export interface LocalPeer {
  readonly name: string
  readonly dataDirectory: string
  /** Known once it has started for the first time. */
  readonly id: string
  readonly addresses: readonly string[]
  readonly pid: number | undefined
  readonly running: boolean
  /** How its last process ended; undefined before the first has. */
  readonly lastEnd: ProcessEnd | undefined
  readonly control: ControlClient
  /** Everything that its processes have printed. */
  readonly output: readonly string[]
  /** Starts the process (again) and waits until it answers. @throws Error with its last words when it ends instead */
  start(options?: StartOptions): Promise<void>
  /** Resolves when the process has ended, by whatever. */
  ended(): Promise<void>
  /** Ctrl-C, and waits. */
  stop(): Promise<void>
  /** `kill -9`, and waits. */
  kill(): Promise<void>
  status(): Promise<PeerStatus>
  /** Follows the peer's events until its status satisfies the condition. @throws Error that shows the last status when the time is over */
  until(what: string, condition: (status: PeerStatus) => boolean, timeoutMs?: number): Promise<PeerStatus>
}

const startTimeoutMs = 60_000
const untilTimeoutMs = 60_000

export function createLocalPeer(
  name: string,
  dataDirectory: string,
  firstStart: () => Promise<readonly string[]>
): LocalPeer {
  let child: ChildProcess | undefined
  let control: ControlClient | undefined
  let status: PeerStatus | undefined
  let ended: Promise<void> = Promise.resolve()
  let lastEnd: ProcessEnd | undefined
  let begun = false
  const output: string[] = []

  async function start(options: StartOptions = {}): Promise<void> {
    if (child !== undefined) throw new Error(`${name} runs already`)
    if (!begun && options.timing !== undefined) await writeTiming(dataDirectory, options.timing)
    const words = begun ? ['peer', 'start'] : await firstStart()
    const args = [...words, '--data', dataDirectory, '--listen', '/ip4/127.0.0.1/tcp/0', '--json']
    if (options.className !== undefined) args.push('--class', options.className)
    for (const group of options.groups ?? []) args.push('--group', group)
    args.push(...(options.words ?? []))
    const env = { ...process.env, ...options.env, INSTAR_FAULTS: options.faults ?? '' }
    const started = spawn(process.execPath, [instarPath, ...args], {
      env,
      stdio: ['ignore', 'pipe', 'pipe'],
      detached: options.ownGroup === true
    })
    child = started
    const ready = Promise.withResolvers<undefined>()
    const hear = (line: string): void => {
      output.push(line)
      options.onLine?.(line)
      if (line.includes('"ticket"')) ready.resolve(undefined)
    }
    onLines(started, hear)
    ended = once(started, 'close').then(values => {
      const [code, signal] = values as [ProcessEnd['code'], ProcessEnd['signal']]
      child = undefined
      lastEnd = { code, signal }
      control = undefined
      ready.reject(
        new Error(`${name} ended (${signal ?? code ?? 'unknown'}) before it was ready: ${output.slice(-5).join(' | ')}`)
      )
    })
    const timer = setTimeout(
      () => ready.reject(new Error(`${name} was not ready in time: ${output.slice(-5).join(' | ')}`)),
      startTimeoutMs
    )
    try {
      await ready.promise
    } finally {
      clearTimeout(timer)
    }
    begun = true
    control = createControlClient(await findControlSocket(dataDirectory))
    status = await control.status()
  }

  const controlNow = (): ControlClient => {
    if (control === undefined) throw new Error(`${name} does not run`)
    return control
  }

  async function end(signal: NodeJS.Signals): Promise<void> {
    child?.kill(signal)
    await ended
  }

  return {
    name,
    dataDirectory,
    output,
    get id() {
      if (status === undefined) throw new Error(`${name} has never started`)
      return status.peer
    },
    get addresses() {
      return status?.addresses ?? []
    },
    get pid() {
      return child?.pid
    },
    get running() {
      return child !== undefined
    },
    get lastEnd() {
      return lastEnd
    },
    get control() {
      return controlNow()
    },
    start,
    ended: () => ended,
    stop: () => end('SIGINT'),
    kill: () => end('SIGKILL'),
    async status() {
      return controlNow().status()
    },
    async until(what, condition, timeoutMs = untilTimeoutMs) {
      let last: PeerStatus | undefined
      const signal = AbortSignal.timeout(timeoutMs)
      try {
        const client = createControlClient(await findControlSocket(dataDirectory), signal)
        for await (const event of client.events()) {
          if (event.type !== 'status') continue
          last = event.status
          if (condition(last)) return last
        }
      } catch (thrown) {
        if (!signal.aborted) throw thrown
      }
      const why = signal.aborted ? `not within ${timeoutMs} ms` : 'it stopped first'
      throw new Error(`${name}: ${what}: ${why}; last seen: ${JSON.stringify(last)}`)
    }
  }
}

async function writeTiming(dataDirectory: string, timing: Partial<Timing>): Promise<void> {
  await mkdir(dataDirectory, { recursive: true, mode: 0o700 })
  await writeFile(join(dataDirectory, 'config.json'), `${JSON.stringify({ timing })}\n`, { mode: 0o600 })
}

function onLines(child: ChildProcess, hear: (line: string) => void): void {
  for (const stream of [child.stdout, child.stderr]) {
    let rest = ''
    stream?.setEncoding('utf8').on('data', (text: string) => {
      const lines = (rest + text).split('\n')
      rest = lines.pop() ?? ''
      for (const line of lines) hear(line)
    })
  }
}
