import type { Readable } from 'node:stream'
import type { Logger } from 'pino'

const linesPerSecondMax = 50
const lineCharactersMax = 2000
const lastBytesMax = 4096

/** What a host writes to its output goes to the log line by line, bounded, so that no bundle can fill the disk. */
export interface HostOutput {
  /** The end of what was written to standard error. */
  lastStderr(): string
}

export function followOutput(
  streams: { readonly stdout: Readable | null; readonly stderr: Readable | null },
  log: Pick<Logger, 'info' | 'warn'>,
  now: () => number
): HostOutput {
  let last = ''
  let second = -1
  let lines = 0
  let dropped = 0

  function admit(): boolean {
    const at = Math.floor(now() / 1000)
    if (at !== second) {
      if (dropped > 0) log.warn({ lines: dropped }, 'the host wrote more than is logged')
      second = at
      lines = 0
      dropped = 0
    }
    if (++lines <= linesPerSecondMax) return true
    dropped++
    return false
  }

  function follow(stream: Readable, name: 'stdout' | 'stderr'): void {
    followLines(stream, line => {
      if (line !== '' && admit()) log.info({ stream: name }, line.slice(0, lineCharactersMax))
    })
    if (name === 'stderr')
      stream.on('data', (text: string) => {
        last = (last + text).slice(-lastBytesMax)
      })
  }

  if (streams.stdout !== null) follow(streams.stdout, 'stdout')
  if (streams.stderr !== null) follow(streams.stderr, 'stderr')
  return { lastStderr: () => last }
}

const restCharactersMax = 16 * 1024

/** Each line of a stream; of one that does not end, the beginning only. */
export function followLines(stream: Readable, onLine: (line: string) => void): void {
  let rest = ''
  stream.setEncoding('utf8')
  stream.on('data', (text: string) => {
    const parts = (rest + text).split('\n')
    rest = (parts.pop() ?? '').slice(0, restCharactersMax)
    for (const line of parts) onLine(line)
  })
  // Broken off with the process: what it said last has been read, and its end is told by its exit.
  stream.on('error', () => undefined)
}
