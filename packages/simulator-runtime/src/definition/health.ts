import type { Contract } from '../contract/contract.js'

/** The queries of a contract, by name. */
type QueryNames<C extends Contract> = {
  [M in keyof C['methods']]: C['methods'][M]['kind'] extends 'query' ? M : never
}[keyof C['methods']] &
  string

/**
 * How the trial of the new class is judged (§15). Goes into the descriptor as it stands; what is left out has the default that stands there, and
 * `instar upgrade build --health` overrides single words.
 */
export interface HealthInit<To extends Contract> {
  /** What callers meet with in the first so many milliseconds is not counted. Default 0. */
  readonly waitMs?: number
  /** How often a peer that went back tries again by itself, and how long after. Default 0, and 10 min. */
  readonly retry?: number
  readonly retryAfterMs?: number
  /** A trial that could not be committed by then has failed. Default 0: no bound. */
  readonly timeoutMs?: number
  /** `hold`: a failed trial stays, and its operator decides. Default `back`. */
  readonly onFailure?: 'back' | 'hold'
  /** So many calls have to be answered before the trial is judged by errors, and before it is committed while it is called. Default 20. */
  readonly minCalls?: number
  /** It has failed where its share of errors is higher than before the switch by more than so many percent. Default 5. */
  readonly errorPercent?: number
  /** After so long a trial without `minCalls` is committed all the same. Default 0: the stable time is enough. */
  readonly idleCommitMs?: number
  /** A query that the peer asks the object itself. Default: none. */
  readonly probe?: {
    readonly method: QueryNames<To>
    /** What JSON can carry. Default: none. */
    readonly args?: readonly unknown[]
    /** Default 5 s. */
    readonly everyMs?: number
    /** What comes later is missed. Default 2 s. */
    readonly timeoutMs?: number
    /** So many misses in a row are a failure. Default 3. */
    readonly missesMax?: number
  }
  /** The others stop where the version failed at so many percent of the peers that tried it, and at two at least. Default 20. */
  readonly abortPercent?: number
}

/** As the descriptor has it: the arguments of the probe are the text of a JSON array. */
export interface HealthDefinition extends Omit<HealthInit<Contract>, 'probe'> {
  readonly probe?: Omit<NonNullable<HealthInit<Contract>['probe']>, 'args' | 'method'> & {
    readonly method: string
    readonly args?: string
  }
}

export function healthDefinition<To extends Contract>({ probe, ...words }: HealthInit<To>): HealthDefinition {
  if (probe === undefined) return words
  const { args, ...rest } = probe
  return { ...words, probe: { ...rest, ...(args === undefined ? {} : { args: JSON.stringify(args) }) } }
}
