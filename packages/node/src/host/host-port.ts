import type { CallHeader, Cancellation } from '@instar/rpc'

/** What the router of calls sees of the host (§10): calls are routed by their header only, bodies are opaque bytes. */
export interface HostPort {
  /**
   * Resolves with the bytes of the result. While the host is switched the call is held; that time counts against
   * `header.remainingMs` (§12). A call in a session whose host ended under it may be sent to the next host instead of failing.
   *
   * @throws CallError, and nothing else
   */
  call(header: HostCallHeader, body: Uint8Array, signal: Cancellation): Promise<Uint8Array>
  /** Whether a host takes calls now: false while they are held or refused. */
  readonly serving: boolean
}

/** The header of a call after the router: the class revision that serves its version here (§6), and who calls. */
export type HostCallHeader = CallHeader & {
  readonly revision: number
  readonly caller: string
  /** The peer asks the object itself whether it is well (§15). */
  readonly isProbe?: true
}
