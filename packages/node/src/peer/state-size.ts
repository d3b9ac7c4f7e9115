import type { Logger } from 'pino'
import { sizeWithin } from '../store/folder-size.js'

export interface StateSizeInit {
  readonly directory: string
  readonly log: Pick<Logger, 'warn'>
  /** Monotonic milliseconds. */
  readonly now: () => number
  /** How old a measurement may be before the next question begins another one. */
  readonly everyMs?: number
  /** Above it the size is not told: to look at every file would take too long. */
  readonly filesMax?: number
}

export interface StateSize {
  /** As last measured, a minute ago at most; undefined before the first time. Never waits: what is measured shows at a later question. */
  bytes(): number | undefined
  /** When what is being measured has been. */
  measured(): Promise<void>
  /** As it is now: for a decision, not for a display. Rejects when the files cannot be looked at; undefined: there are too many. */
  measureNow(): Promise<number | undefined>
}

/** How much of the disk the state takes, database and files together: what an operator has to have free again for a second one. */
export function createStateSize({
  directory,
  log,
  now,
  everyMs = 60_000,
  filesMax = 100_000
}: StateSizeInit): StateSize {
  let last: number | undefined
  let measuredAt = -Infinity
  let measuring: Promise<void> | undefined

  const measure = async (): Promise<void> => {
    try {
      last = await sizeWithin(directory, { left: filesMax })
    } catch (error) {
      last = undefined
      log.warn({ err: error }, 'the size of the state cannot be measured')
    }
    measuredAt = now()
    measuring = undefined
  }
  return {
    bytes() {
      if (measuring === undefined && now() - measuredAt >= everyMs) measuring = measure()
      return last
    },
    measured: async () => measuring,
    measureNow: () => sizeWithin(directory, { left: filesMax })
  }
}
