import { open } from 'node:fs/promises'
import { pino, type Logger } from 'pino'

/** The log of a peer: JSON lines, one file per data directory, appended to across starts. */
export function openLog(path: string): Logger {
  const level = process.env['INSTAR_LOG'] ?? 'info'
  return pino(
    { level, base: null, timestamp: pino.stdTimeFunctions.isoTime },
    pino.destination({ dest: path, mkdir: true, sync: false })
  )
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
