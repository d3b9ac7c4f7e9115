import { CallError, messageOf } from '@instar/core'
import { nameOf, type FacadeCode } from './facade.js'

/** Ends the request of a view, a stub or a context that is used too late. */
export class RequestOver extends Error {
  override readonly name = 'RequestOver'
}

/**
 * What a caller is told when code of a façade threw. Bundles carry copies of the authoring classes, so these are known by their fields.
 * An error that is no part of any contract is the class's fault (`OutOfContract`): health counts it, a refusal it does not (§15).
 */
export function toCallError(thrown: unknown, facade: FacadeCode, method: string): CallError {
  if (isCallError(thrown)) return thrown
  const kind = fieldOf(thrown, 'instar')
  const reason = reasonOf(thrown)
  if (kind === 'disallowed') return disallowed(facade, method, reason)
  if (kind === 'failed') return new CallError('Failed', { message: `${nameOf(facade)}, ${method}: ${reason}`, reason })
  return new CallError('OutOfContract', { message: `${nameOf(facade)} threw in ${method}: ${messageOf(thrown)}` })
}

export function disallowed(facade: FacadeCode, method: string, reason: string): CallError {
  return new CallError('Disallowed', {
    message: `${nameOf(facade)} disallows this call of ${method}: ${reason}`,
    reason
  })
}

export function outOfContract(facade: FacadeCode, method: string, what: string): CallError {
  return new CallError('OutOfContract', { message: `${nameOf(facade)}, ${method}: ${what}` })
}

export function upgrading(message: string, executed: 'no' | 'unknown' = 'no'): CallError {
  return new CallError('Upgrading', { message, executed, retryAfterMs: 100 })
}

export function deadlineExceeded(message: string, executed: 'no' | 'unknown'): CallError {
  return new CallError('DeadlineExceeded', { message, executed })
}

/** Nothing was executed, and soon there may be room. */
export function busy(message: string): CallError {
  return new CallError('Busy', { message, retryAfterMs: 50 })
}

/** Whether a class threw what its contract foresees: a failure of its own. */
export function isContractual(thrown: unknown): boolean {
  return fieldOf(thrown, 'instar') === 'failed'
}

/** Whether an answer counts against the class and its health. */
export function isFault(error: CallError): boolean {
  return error.code === 'OutOfContract' || error.code === 'OutgoingCallInCommand'
}

function reasonOf(thrown: unknown): string {
  const reason = fieldOf(thrown, 'reason')
  return typeof reason === 'string' ? reason.slice(0, 500) : messageOf(thrown)
}

/** What code of others throws may throw again when it is looked at; then it is neither this nor that. */
function fieldOf(thrown: unknown, field: string): unknown {
  if (typeof thrown !== 'object' || thrown === null) return undefined
  try {
    return (thrown as Record<string, unknown>)[field]
  } catch {
    return undefined
  }
}

/** As careful as `fieldOf`. */
export function isCallError(thrown: unknown): thrown is CallError {
  try {
    return thrown instanceof CallError
  } catch {
    return false
  }
}
