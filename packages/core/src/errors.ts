/**
 * Every operating failure that Instar reports, as a closed union. `docs/errors.md` explains each; a test compares the two.
 * A failure of one *call* is a {@link CallError} instead (see `call/call-error.ts`): it crosses the network.
 */
export const errorCodes = [
  'BadConfig',
  'BadInput',
  'BadTicket',
  'WrongNetwork',
  'DataDirectoryInUse',
  'DataDirectoryDamaged',
  'JournalDamaged',
  'DiskFull',
  'PortInUse',
  'SocketInUse',
  'KeyNotFound',
  'KeyUnsafe',
  'KeyNotAuthorized',
  'ProposalOutdated',
  'ProposalConflict',
  'NotTrusted',
  'UnknownVersion',
  'BundleBuildFailed',
  'BundleInvalid',
  'BundleUnavailable',
  'BundleLoadFailed',
  'HostFailed',
  'HostStartTimeout',
  'TransformFailed',
  'TransformTimeout',
  'DrainTimeout',
  'StateDamaged',
  'PeerNotRunning',
  'Unreachable',
  'Timeout',
  'Stopped',
  'KeyLocked',
  'SignerFailed',
  'MirrorRefused',
  'OfflineFileInvalid',
  'AuditDamaged',
  'ProcessNotStarted'
] as const

/** What kind of failure an {@link InstarError} is; docs/errors.md says of each what to do. */
export type ErrorCode = (typeof errorCodes)[number]

/** Plain data that belongs to an error; small, safe to print and to send to the CLI. */
export type ErrorDetail = Readonly<Record<string, string | number | boolean | readonly string[] | undefined>>

/**
 * An operating failure: a full disk, a peer that is gone, bad input by a user. The message is one sentence that says what
 * happened, to what, and what to do next.
 */
export class InstarError extends Error {
  override readonly name = 'InstarError'
  readonly code: ErrorCode
  readonly detail: ErrorDetail

  constructor(code: ErrorCode, message: string, options: { detail?: ErrorDetail; cause?: unknown } = {}) {
    super(message, 'cause' in options ? { cause: options.cause } : {})
    this.code = code
    this.detail = Object.freeze({ ...options.detail })
  }
}

/** The text of anything that was thrown, on one line and bounded, for a log line or a reason shown to people. */
export function messageOf(thrown: unknown, charactersMax = 500): string {
  const text = textOf(thrown)
  const line = text.replace(/\s*\n\s*/g, ' ')
  return line.length > charactersMax ? `${line.slice(0, charactersMax)}…` : line
}

/** What was thrown by code of others may throw again when it is looked at. */
function textOf(thrown: unknown): string {
  try {
    const text: unknown = thrown instanceof Error ? thrown.message : thrown
    return String(text)
  } catch {
    return 'something was thrown that has no text'
  }
}

/** Thrown when Instar itself is wrong. Never caught and hidden: the process reports it. */
export class InvariantViolation extends Error {
  override readonly name = 'InvariantViolation'
}

/** Checks something that only a mistake of ours can make false. On in production. */
export function invariant(condition: unknown, message: string): asserts condition {
  if (condition === false || condition === null || condition === undefined) throw new InvariantViolation(message)
}
