import { execFile } from 'node:child_process'
import { rename, writeFile } from 'node:fs/promises'
import { promisify } from 'node:util'

const run = promisify(execFile)

/** The wall clock of the processes that are started with this environment; their monotonic clock is left alone. */
export interface FakedClock {
  readonly env: Readonly<Record<string, string>>
  /** From now on it is so many days ahead of the machine's, or behind. */
  setDays(days: number): Promise<void>
}

/** @param file is read by libfaketime whenever somebody asks for the time */
export async function createFakedClock(file: string): Promise<FakedClock> {
  async function setDays(days: number): Promise<void> {
    // Whole at any moment: it is read all the time.
    await writeFile(`${file}.new`, `${days < 0 ? '-' : '+'}${Math.abs(days)}d\n`)
    await rename(`${file}.new`, file)
  }
  await setDays(0)
  return {
    env: {
      LD_PRELOAD: await libfaketime(),
      FAKETIME_TIMESTAMP_FILE: file,
      FAKETIME_NO_CACHE: '1',
      FAKETIME_DONT_FAKE_MONOTONIC: '1',
      NO_FAKE_STAT: '1'
    },
    setDays
  }
}

/** What a machine lacks for this, in words. */
export async function whatClocksLack(): Promise<string | undefined> {
  return libfaketime().then(
    () => undefined,
    (thrown: unknown) => `faketime does not work here (${(thrown as Error).message.split('\n')[0] ?? ''})`
  )
}

async function libfaketime(): Promise<string> {
  const { stdout } = await run('faketime', ['-m', '-f', '+0d', 'printenv', 'LD_PRELOAD'])
  return stdout.trim()
}
