import type { ErrorCode, InstarError } from '@instar/core'
import { freeBytes, spareBytes } from '../store/free-space.js'

export interface SpentHostInit {
  /** On the disk that is looked at. */
  readonly directory: string
  /** Why the host that serves cannot write its state any more; undefined while it can, or while none serves. */
  readonly broken: () => InstarError | undefined
  /** Another host of the same plan could write: there is room. */
  readonly onRoom: () => void
  /** Monotonic milliseconds. */
  readonly now: () => number
  /** Whether a state can be opened and written again, as far as that can be told from outside. */
  readonly hasRoom?: (directory: string) => Promise<boolean>
  readonly firstPauseMs?: number
}

export interface SpentHost {
  /** The host that serves has just said that it cannot write any more. */
  broke(): void
  stop(): void
}

const pauseMsMax = 60_000

/**
 * A database that met a full disk takes no more writes from the process that has it open. This looks whether there is room again, and says
 * so: nobody has to start the peer again. A disk that refuses in spite of its room (a quota) is tried less and less often.
 */
export function createSpentHost(init: SpentHostInit): SpentHost {
  const { directory, broken, onRoom, now, hasRoom = hasRoomDefault, firstPauseMs = 2000 } = init
  let pauseMs = firstPauseMs
  let triedAt = -Infinity
  let looking: NodeJS.Timeout | undefined

  const lookIn = (ms: number): void => {
    looking = setTimeout(() => void look(), ms).unref()
  }
  // A disk that cannot be asked is looked at again. Whether there is room for open files, only who opens them can tell.
  const mayHelp = async (code: ErrorCode | undefined): Promise<boolean> =>
    code === 'ProcessNotStarted' || (code === 'DiskFull' && (await hasRoom(directory).catch(() => false)))
  const look = async (): Promise<void> => {
    if (await mayHelp(broken()?.code)) {
      triedAt = now()
      pauseMs = Math.min(2 * pauseMs, pauseMsMax)
      onRoom()
    }
    // Also after that: what takes its place may not come up, and leave the same process serving.
    if (looking !== undefined) lookIn(pauseMs)
  }
  return {
    broke() {
      if (now() - triedAt > pauseMsMax) pauseMs = firstPauseMs
      if (looking === undefined) lookIn(pauseMs)
    },
    stop() {
      clearTimeout(looking)
      looking = undefined
    }
  }
}

async function hasRoomDefault(directory: string): Promise<boolean> {
  const [free, spare] = await Promise.all([freeBytes(directory), spareBytes(directory)])
  return free >= spare
}
