import { CallError, InstarError, messageOf, type CallErrorCode, type ErrorCode } from '@instar/core'

export interface ErrorAnswer {
  readonly status: number
  readonly body: { readonly error: { readonly code: string; readonly message: string; readonly detail: object } }
}

/** Codes that are not listed are failures of the peer itself: 500. */
const instarStatus: Partial<Record<ErrorCode, number>> = {
  BadConfig: 400,
  BadInput: 400,
  BadTicket: 400,
  KeyNotAuthorized: 403,
  NotTrusted: 403,
  BundleUnavailable: 404,
  KeyNotFound: 404,
  UnknownVersion: 404,
  ProposalConflict: 409,
  ProposalOutdated: 409,
  WrongNetwork: 409,
  BundleInvalid: 422,
  BundleLoadFailed: 422,
  Unreachable: 502,
  PeerNotRunning: 503,
  Stopped: 503,
  Timeout: 504,
  DiskFull: 507
}

const callStatus: Record<CallErrorCode, number> = {
  InvalidInput: 400,
  OutgoingCallInCommand: 400,
  NotAdmitted: 403,
  UnknownClass: 404,
  UnknownMethod: 404,
  UnknownVersion: 404,
  AnswerTooOld: 409,
  SessionLost: 409,
  Retired: 410,
  Superseded: 410,
  Diverged: 410,
  Disallowed: 422,
  Failed: 422,
  OutOfContract: 502,
  Unreachable: 502,
  Busy: 503,
  Parked: 503,
  NotYet: 503,
  Upgrading: 503,
  DeadlineExceeded: 504,
  TooManyHops: 508
}

/** What the API answers for anything that a handler threw. Stack traces stay in the log. */
export function toErrorAnswer(thrown: unknown): ErrorAnswer {
  if (thrown instanceof InstarError) {
    return answer(instarStatus[thrown.code] ?? 500, thrown.code, thrown.message, thrown.detail)
  }
  if (thrown instanceof CallError) return answer(callStatus[thrown.code], thrown.code, thrown.message, thrown.detail)
  const status = refusalStatus(thrown)
  if (status !== undefined) return answer(status, 'BadInput', sentence(messageOf(thrown)), {})
  return answer(500, 'Internal', `The peer failed in a way that it does not know: ${messageOf(thrown)}`, {})
}

export function answer(status: number, code: string, message: string, detail: object): ErrorAnswer {
  return { status, body: { error: { code, message, detail } } }
}

/** What fastify refuses by itself (not JSON, too large, no such media type) carries a status of its own. */
function refusalStatus(thrown: unknown): number | undefined {
  if (typeof thrown !== 'object' || thrown === null || !('statusCode' in thrown)) return undefined
  const status = thrown.statusCode
  return typeof status === 'number' && status >= 400 && status < 500 ? status : undefined
}

function sentence(text: string): string {
  return text.endsWith('.') ? text : `${text}.`
}
