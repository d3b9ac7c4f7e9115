import { mkdtemp } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

const prefix = 'instar-check-'

/**
 * A new folder for the states of histories, to be removed by the caller. LevelDB waits for the disk whenever it is opened, which is nine
 * tenths of the time of a check; so the folder lies in memory where the system has a place for that, unless TMPDIR says otherwise.
 */
export async function createScratchFolder(): Promise<string> {
  const inTmpdir = (): Promise<string> => mkdtemp(join(tmpdir(), prefix))
  if (process.platform !== 'linux' || process.env['TMPDIR'] !== undefined) return inTmpdir()
  // It may be missing or read-only in a container: slower, but no reason not to check.
  return mkdtemp(join('/dev/shm', prefix)).catch(inTmpdir)
}
