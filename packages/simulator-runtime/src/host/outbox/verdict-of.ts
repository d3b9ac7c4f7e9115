import { CallError, isRetryable } from '@instar/core'

/**
 * What the answer to one attempt means for a send:
 *
 * - `delivered`: it ran, once
 * - `refused`: it did not and never will
 * - `retry`: the same number again
 * - `renumber`: no attempt can have run, but this number is used up, or its session gone: again under a new one
 * - `lost`: whether it ran can no longer be found out, so it must not be sent again (§12)
 */
export type SendVerdict = 'delivered' | 'refused' | 'retry' | 'renumber' | 'lost'

/** @param maybeRan an earlier attempt may have run */
export function verdictOf(thrown: unknown, maybeRan: boolean): SendVerdict {
  if (!(thrown instanceof CallError) || isRetryable(thrown.code)) return 'retry'
  switch (thrown.code) {
    case 'SessionLost':
      return maybeRan ? 'lost' : 'renumber'
    case 'AnswerTooOld':
      return 'delivered'
    case 'DeadlineExceeded':
      // Where the receiver's object ran out of time, that is what its session keeps under this number.
      return maybeRan || thrown.detail.executed === 'unknown' ? 'retry' : 'renumber'
    default:
      return thrown.detail.executed === 'unknown' ? 'retry' : 'refused'
  }
}
