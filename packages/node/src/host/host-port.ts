/**
 * What the router of calls sees of the host (§10): frames go through by header only, bodies are opaque bytes.
 */
export interface HostPort {
  /**
   * Answers with the bytes of the result. While the host is switched the call is held; the time counts against `header.remainingMs`.
   *
   * @throws CallError, and nothing else
   */
  call(header: HostCallHeader, body: Uint8Array, signal: AbortSignal): Promise<Uint8Array>
  /** Resolves at once; for code of the peer that wants to know whether a call would be held or refused. */
  readonly serving: boolean
}

/** The header of a call on the host's socket: what the caller sent, plus what the router found out. */
export interface HostCallHeader {
  readonly version: number
  /** First 8 bytes of the chain id as 16 hexadecimal digits; absent where the caller does not know it. */
  readonly chainId?: string
  readonly className: string
  readonly method: string
  /** 16 bytes as hexadecimal digits. */
  readonly session?: string
  readonly seq: number
  readonly doneBelow: number
  readonly remainingMs: number
  /** The revision of the class that serves `version` here (§6). */
  readonly revision: number
  /** The caller's peer id as text. */
  readonly caller: string
}
