import { pino, type Logger } from 'pino'

/** The log of a peer: JSON lines, one file per data directory, appended to across starts. */
export function openLog(path: string): Logger {
  const level = process.env['INSTAR_LOG'] ?? 'info'
  return pino(
    { level, base: null, timestamp: pino.stdTimeFunctions.isoTime },
    pino.destination({ dest: path, mkdir: true, sync: false })
  )
}
