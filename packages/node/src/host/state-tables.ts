import { InstarError } from '@instar/core'
import { damagedState, rest, WholeTables } from '@instar/simulator-runtime/host'
import type { Logger } from 'pino'

/**
 * Sees to it that no process of this peer opens a state with a table that has changed since it was written. All of them are read when the
 * peer starts; what is new since then beside calls, before a switch holds them: a look in the pause would be as long as the state is large.
 */
export interface StateTables {
  /** What was found whole since this peer started. */
  readonly whole: WholeTables
  /**
   * Reads what nobody has read yet.
   *
   * @param restFactor how long it rests after each part, as a multiple of what that took: callers of the host that serves come first
   * @throws InstarError StateDamaged, Stopped
   */
  look(signal: AbortSignal, restFactor: number): Promise<void>
}

interface StateTablesInit {
  readonly directory: string
  readonly log: Logger
  /** Monotonic milliseconds. */
  readonly now: () => number
}

export function createStateTables({ directory, log, now }: StateTablesInit): StateTables {
  const whole = new WholeTables()
  return {
    whole,
    async look(signal, restFactor) {
      const begun = now()
      const pause = (tookMs: number): Promise<void> => rest(tookMs, restFactor)
      const read = await whole.look({ directory, damaged: damagedState, signal, pause }).catch((thrown: unknown) => {
        if (!signal.aborted) throw thrown
        throw new InstarError('Stopped', 'The state was not read to its end: the peer or the switch was stopped.')
      })
      if (read.tables > 0)
        log.info({ ...read, elapsedMs: Math.round(now() - begun) }, 'the tables of the state were read and are whole')
    }
  }
}
