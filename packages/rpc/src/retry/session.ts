/** The identity of one request, the same in all its attempts (§12). */
export interface RequestId {
  readonly session: string
  readonly seq: number
  /** Read at each attempt: it grows while the request waits. */
  readonly doneBelow: number
}

export interface SessionRequest {
  readonly id: RequestId
  /** The caller has its answer, or has given up. `executed: no` lets an unopened session start over. */
  end(outcome: 'answered' | 'refused' | 'lost'): void
}

/**
 * Numbers the commands of one caller to one object so that a repeated one runs once (§12). At most 256 are in flight, further ones wait.
 * The first request of a session opens it: others wait until it is answered, because a peer that sees number 2 first answers `SessionLost`.
 */
export interface Session {
  begin(options?: { signal?: AbortSignal }): Promise<SessionRequest>
  /** The current id; a new one after `SessionLost`. */
  readonly id: string
  readonly inFlight: number
}

export const sessionInFlightMax = 256

export function createSession(_init: { random?: (bytes: number) => Uint8Array; waitingMax?: number } = {}): Session {
  throw new Error('not built yet')
}
