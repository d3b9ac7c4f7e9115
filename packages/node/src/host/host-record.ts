import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { mkdir, readdir, readFile, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout } from 'node:timers/promises'
import { messageOf } from '@instar/core'
import type { Logger } from 'pino'

/**
 * Which host processes a peer has started and not seen end. A host ends by itself when its peer is gone; one that is stopped, or hangs in
 * the system, does not, and its state stays locked. The next start of the peer finds it by this record.
 *
 * A process id is used again. So each entry names the boot of the machine and the tick at which the process was started, and nothing is
 * killed that does not agree with all three and runs a host. Where the system has no /proc nothing is written, and nothing killed.
 */
export interface HostRecord {
  /** As soon as a process is there: before it has a state to lock. */
  started(pid: number): void
  ended(pid: number): void
}

interface Entry {
  readonly boot: string
  /** Ticks from the boot of the machine to the start of the process. */
  readonly startTicks: string
}

/** @param directory made when it is needed */
export function createHostRecord(directory: string, log: Logger): HostRecord {
  return {
    started(pid) {
      const entry = entryOf(pid)
      if (entry === undefined) return
      try {
        mkdirSync(directory, { recursive: true, mode: 0o700 })
        // No fsync: what ends the system ends its processes too.
        writeFileSync(join(directory, String(pid)), JSON.stringify(entry), { mode: 0o600 })
      } catch (thrown) {
        // Worth a host that might outlive a killed peer, not worth the host.
        log.warn({ pid }, `the host process could not be written down: ${messageOf(thrown)}`)
      }
    },
    ended(pid) {
      try {
        rmSync(join(directory, String(pid)), { force: true })
      } catch (thrown) {
        log.warn({ pid }, `the end of a host process could not be written down: ${messageOf(thrown)}`)
      }
    }
  }
}

/** How long a killed process may take to be gone; one that waits for a disk takes its time. */
const goneMs = 10_000
const lookEveryMs = 20

/**
 * Ends the hosts that an earlier peer of this directory has left behind; resolves when they are gone. To be called while no host of the peer
 * runs.
 *
 * @param isHost whether a process with this command line is a host
 * @returns the processes that were ended
 */
export async function endOrphans(
  directory: string,
  isHost: (commandLine: readonly string[]) => boolean,
  log: Logger
): Promise<readonly number[]> {
  await mkdir(directory, { recursive: true, mode: 0o700 })
  const ended: number[] = []
  for (const name of await readdir(directory)) {
    const path = join(directory, name)
    const pid = /^[1-9]\d*$/.test(name) ? Number(name) : undefined
    const recorded = await readFile(path, 'utf8')
    if (pid !== undefined && isSame(pid, recorded) && isHost(commandLineOf(pid))) {
      log.warn({ pid }, 'a host process of an earlier start is still there, and is ended')
      await end(pid, recorded)
      ended.push(pid)
    }
    await rm(path, { force: true })
  }
  return ended
}

async function end(pid: number, recorded: string): Promise<void> {
  try {
    process.kill(pid, 'SIGKILL')
  } catch (thrown) {
    if ((thrown as NodeJS.ErrnoException).code !== 'ESRCH') throw thrown
  }
  for (let waitedMs = 0; waitedMs < goneMs && isSame(pid, recorded); waitedMs += lookEveryMs)
    await setTimeout(lookEveryMs)
}

function isSame(pid: number, recorded: string): boolean {
  const entry = entryOf(pid)
  return entry !== undefined && JSON.stringify(entry) === recorded
}

/** Undefined when there is no such process, or only what is left of one for its parent to read. */
function entryOf(pid: number): Entry | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
    // The name of the program may hold anything; what follows it are the fields from the third on.
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
    const [state, startTicks] = [fields[0], fields[19]]
    if (startTicks === undefined || state === 'Z' || state === 'X') return undefined
    return { boot: readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim(), startTicks }
  } catch {
    // No such process, or no /proc: either way there is nobody to name.
    return undefined
  }
}

function commandLineOf(pid: number): readonly string[] {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0')
  } catch {
    return []
  }
}
