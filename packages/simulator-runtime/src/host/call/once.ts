import { CallError } from '@instar/core'
import type { CallRequest } from '../host-runtime.js'
import type { Deadlines } from './deadlines.js'
import type { FacadeMethod } from './facade.js'
import { deadlineExceeded } from './failures.js'
import type { Sessions, Turn } from './sessions.js'

/**
 * §12: the turn of a request that comes for the first time, none outside of sessions, and for a repeat the answer that there is or will be.
 *
 * @throws CallError for a request that may not run, and what a repeated one has come to
 */
export function beginOnce(
  sessions: Sessions,
  deadlines: Deadlines,
  method: FacadeMethod,
  { session, seq, doneBelow }: CallRequest,
  remainingMs: number
): Turn | Promise<Uint8Array> | undefined {
  if (session === undefined) return undefined
  const begun = sessions.begin({ session, seq, doneBelow, method: method.name })
  if ('turn' in begun) return begun.turn
  if ('join' in begun) {
    return deadlines.limit(begun.join, remainingMs, () =>
      deadlineExceeded(`${method.name} did not answer in time`, 'unknown')
    )
  }
  if (begun.answer instanceof CallError) return Promise.reject(begun.answer)
  return Promise.resolve(begun.answer)
}
