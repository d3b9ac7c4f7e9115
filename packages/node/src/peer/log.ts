import { mkdirSync, openSync, writeSync } from 'node:fs'
import { open } from 'node:fs/promises'
import { dirname } from 'node:path'
import { pino, type Logger } from 'pino'

/** The log of a peer: JSON lines, one file per data directory, appended to across starts. */
export function openLog(path: string): Logger {
  const level = process.env['INSTAR_LOG'] ?? 'info'
  return pino({ level, base: null, timestamp: pino.stdTimeFunctions.isoTime }, appendTo(path))
}

/**
 * Each line is written at once, so that a process that is killed has said everything. A full disk costs lines and nothing else: pino's
 * own destination would try again until there is room, and stop the whole process meanwhile.
 */
function appendTo(path: string): { write(line: string): void } {
  mkdirSync(dirname(path), { recursive: true })
  const file = openSync(path, 'a')
  let isTorn = false
  return {
    write(line) {
      const bytes = Buffer.from(isTorn ? `\n${line}` : line)
      try {
        isTorn = writeSync(file, bytes) < bytes.length
      } catch {
        // There is nobody left to tell; the status says what the disk keeps the peer from.
        isTorn = true
      }
    }
  }
}

const tailBytesMax = 1024 * 1024

/** The last lines of a log file, oldest first; none where there is no file. */
export async function tailOf(path: string, linesMax: number): Promise<readonly string[]> {
  const file = await open(path, 'r').catch(() => undefined)
  if (file === undefined) return []
  try {
    const { size } = await file.stat()
    const length = Math.min(size, tailBytesMax)
    const { buffer } = await file.read(Buffer.alloc(length), 0, length, size - length)
    const lines = buffer
      .toString('utf8')
      .split('\n')
      .filter(line => line !== '')
    return lines.slice(-linesMax)
  } finally {
    await file.close()
  }
}
