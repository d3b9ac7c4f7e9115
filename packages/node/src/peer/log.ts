import { closeSync, fstatSync, mkdirSync, openSync, renameSync, writeSync } from 'node:fs'
import { open } from 'node:fs/promises'
import { dirname } from 'node:path'
import { pino, type Logger } from 'pino'

/** A log that is longer becomes the one before, and the one before that goes. */
const bytesMaxDefault = 32 * 1024 * 1024

/** The log of a peer: JSON lines, one file per data directory and the one before it, appended to across starts. */
export function openLog(path: string, bytesMax = bytesMaxDefault): Logger {
  const level = process.env['INSTAR_LOG'] ?? 'info'
  return pino({ level, base: null, timestamp: pino.stdTimeFunctions.isoTime }, appendTo(path, bytesMax))
}

/** Where the lines are that were written before those of a log. */
function beforeLog(path: string): string {
  return `${path}.1`
}

/**
 * Each line is written at once, so that a process that is killed has said everything. A full disk costs lines and nothing else: pino's
 * own destination would try again until there is room, and stop the whole process meanwhile.
 */
function appendTo(path: string, bytesMax: number): { write(line: string): void } {
  mkdirSync(dirname(path), { recursive: true })
  let file = openSync(path, 'a')
  let { size } = fstatSync(file)
  let isTorn = false

  function beginAnew(): void {
    renameSync(path, beforeLog(path))
    const next = openSync(path, 'a')
    closeSync(file)
    file = next
    size = 0
  }

  return {
    write(line) {
      const bytes = Buffer.from(isTorn ? `\n${line}` : line)
      try {
        if (size + bytes.length > bytesMax && size > 0) beginAnew()
        const written = writeSync(file, bytes)
        size += written
        isTorn = written < bytes.length
      } catch {
        // There is nobody left to tell; the status says what the disk keeps the peer from.
        isTorn = true
      }
    }
  }
}

const tailBytesMax = 1024 * 1024

/** The last lines of a log, oldest first; none where there is none. */
export async function tailOf(path: string, linesMax: number): Promise<readonly string[]> {
  const lines = await lastLines(path, linesMax)
  if (lines.length === linesMax) return lines
  return [...(await lastLines(beforeLog(path), linesMax - lines.length)), ...lines]
}

async function lastLines(path: string, linesMax: number): Promise<readonly string[]> {
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
