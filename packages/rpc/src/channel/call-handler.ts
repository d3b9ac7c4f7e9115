import type { CallHeader } from '../call/call-header.js'

/**
 * @returns the bytes of the result; they belong to the channel from then on.
 * @throws CallError; anything else becomes `Failed` with an outcome that is unknown
 */
export type CallHandler = (header: CallHeader, body: Uint8Array, context: IncomingCall) => Promise<Uint8Array>

export interface IncomingCall {
  /** Aborted when the caller cancels, its deadline passes or the channel ends. Made on first use. */
  readonly signal: AbortSignal
  /** What is left of the caller's deadline now, for passing the call on. */
  readonly remainingMs: number
}
