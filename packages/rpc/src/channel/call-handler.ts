import type { CallHeader } from '../call/call-header.js'

/**
 * @returns the bytes of the result; they belong to the channel from then on.
 * @throws CallError; anything else becomes `Failed` with an outcome that is unknown
 */
export type CallHandler = (header: CallHeader, body: Uint8Array, context: IncomingCall) => Promise<Uint8Array>

/** What is used of an `AbortSignal` where calls are passed on; every `AbortSignal` is one. */
export interface Cancellation {
  readonly aborted: boolean
  addEventListener(type: 'abort', listener: () => void, options?: { readonly once?: boolean }): void
  removeEventListener(type: 'abort', listener: () => void): void
}

export interface IncomingCall {
  /** Aborted when the caller cancels, its deadline passes or the channel ends. Made on first use, which costs as much as the rest of a short call. */
  readonly signal: AbortSignal
  /** The same for those who only pass the call on: it costs nothing. */
  readonly cancellation: Cancellation
  /** What is left of the caller's deadline now, for passing the call on. */
  readonly remainingMs: number
}
