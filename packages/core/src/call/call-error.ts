/**
 * Why one call was not answered with a result. These cross the network, so the union is closed and each has its meaning for the caller:
 * whether anything was executed, and whether trying again can help.
 */
export const callErrorCodes = [
  /** A simulation object cannot keep this call true (R8). Nothing was executed; `reason` says why. */
  'Disallowed',
  /** The version is above all that this peer has introduced (R3). Nothing was executed; retry after `retryAfterMs`. */
  'NotYet',
  /** The peer is switching versions or its host is restarting. `executed` says whether the call may have run. */
  'Upgrading',
  /** The version is no longer served here (R3). Nothing was executed. */
  'Retired',
  /** The version was skipped by a later one (§4). Nothing was executed. */
  'Superseded',
  /** The version never existed in this network, or is forked (R3, R20). Nothing was executed. */
  'UnknownVersion',
  /** The peer runs another class. Nothing was executed. */
  'UnknownClass',
  /** The contract of that version has no such method. Nothing was executed. */
  'UnknownMethod',
  /** The arguments do not satisfy the contract's validator. Nothing was executed. */
  'InvalidInput',
  /** The object answered outside its contract. A command's effects were discarded. */
  'OutOfContract',
  /** The object threw: an error that its author meant for the caller. A command's effects were discarded. */
  'Failed',
  /** A command awaited a call to another peer (§9). Its effects were discarded. */
  'OutgoingCallInCommand',
  /** The caller is not admitted to this network. */
  'NotAdmitted',
  /** The session is unknown here and this is not its first request: the outcome of earlier requests is unknown (§12). */
  'SessionLost',
  /** The request ran long ago; its answer was too large or too old to be kept (§12). */
  'AnswerTooOld',
  /** The deadline passed before an answer came. `executed` says whether the call may have run. */
  'DeadlineExceeded',
  /** The peer's queue is full. Nothing was executed; retry after `retryAfterMs`. */
  'Busy',
  /** No connection to the peer could be made, or it broke. `executed` says whether the call may have run. */
  'Unreachable',
  /** Queries called on from peer to peer, further than any that ends: most often in a circle. Nothing was executed where it ended. */
  'TooManyHops',
  /** Caller and peer mean different versions by this number, or the peer has committed one that the root decided against (§6). Nothing was executed. */
  'Diverged',
  /** The peer's host crashed again and again, and stays down until its operator says otherwise. Nothing was executed; another peer may serve. */
  'Parked'
] as const

/** Why a call failed; docs/errors.md says of each what to do. */
export type CallErrorCode = (typeof callErrorCodes)[number]

/** What a failed call tells besides its code; which fields there are depends on the code. */
export interface CallErrorDetail {
  /** For people: names class, version and method where known. */
  readonly message: string
  /** `no`: certainly not executed; `unknown`: may have been executed (a retry must reuse the request id). */
  readonly executed: 'no' | 'unknown'
  readonly retryAfterMs?: number
  /** Lowest and highest version that the peer serves now. */
  readonly served?: readonly [low: number, high: number]
  /** The newest version whose descriptor the peer trusts, so that a refused caller can learn and upgrade (§14). */
  readonly newest?: number
  /** The version that superseded the one called. */
  readonly by?: number
  readonly reason?: string
}

/** A call failed. Everything a caller may decide on is in `code` and `detail`; the same type at both ends of the wire. */
export class CallError extends Error {
  override readonly name = 'CallError'
  readonly code: CallErrorCode
  readonly detail: CallErrorDetail

  constructor(code: CallErrorCode, detail: Omit<CallErrorDetail, 'executed'> & { executed?: 'no' | 'unknown' }) {
    super(detail.message)
    this.code = code
    this.detail = Object.freeze({ executed: 'no' as const, ...detail })
  }
}

/** Whether sending the same request again (same session and sequence number) can lead to an answer. */
export function isRetryable(code: CallErrorCode): boolean {
  return code === 'NotYet' || code === 'Upgrading' || code === 'Busy' || code === 'Unreachable' || code === 'Parked'
}

const known: ReadonlySet<string> = new Set(callErrorCodes)

/** Whether a text from the wire is a code that this release knows. */
export function isCallErrorCode(text: string): text is CallErrorCode {
  return known.has(text)
}
