import { CallError, toHex } from '@instar/core'

/** The identity of one request, the same in all its attempts (§12). */
export interface RequestId {
  readonly session: string
  readonly seq: number
  /** Read at each attempt: it grows while the request waits. */
  readonly doneBelow: number
}

/**
 * How a request ended: `answered` by the object, `refused` with nothing executed, or `lost`: nobody knows.
 */
export type RequestOutcome = 'answered' | 'refused' | 'lost'

export interface SessionRequest {
  readonly id: RequestId
  /** The caller will not ask again. Idempotent. */
  end(outcome: RequestOutcome): void
}

/**
 * Numbers the commands of one caller to one object, so that a repeated one runs once (§12). At most 256 are in flight, further ones wait.
 *
 * The first request opens the session at the object, and others wait for its answer: number 2 would be answered `SessionLost` if it came first. A
 * session whose first request was not answered starts over under a new id.
 */
export interface Session {
  /** A request if its turn is now. */
  tryBegin(): SessionRequest | undefined
  /** @throws CallError DeadlineExceeded when the signal ends the wait, Busy when too many wait */
  begin(options?: { signal?: AbortSignal }): Promise<SessionRequest>
  /** The object no longer knows this session: later requests start a new one. */
  renew(lostId: string): void
  readonly id: string
  readonly inFlight: number
}

export const sessionInFlightMax = 256

export interface SessionInit {
  /** @returns that many random bytes */
  readonly random?: (bytes: number) => Uint8Array
  /** Requests that may wait for their turn. */
  readonly waitingMax?: number
}

export function createSession(init: SessionInit = {}): Session {
  const random = init.random ?? (bytes => crypto.getRandomValues(new Uint8Array(bytes)))
  const waitingMax = init.waitingMax ?? 4096
  const waiting = new Set<(request: SessionRequest) => void>()
  let numbers = startNumbers()

  function startNumbers(): Numbers {
    return { id: toHex(random(16)), nextSeq: 1, opened: false, active: new Set() }
  }

  /** Active requests are in ascending order: numbers are given in that order, and a set keeps it. */
  function lowestActive({ active, nextSeq }: Numbers): number {
    for (const seq of active) return seq
    return nextSeq
  }

  function mayBegin(): boolean {
    if (!numbers.opened) return numbers.active.size === 0
    // The object keeps the answers from doneBelow on, so it is the span that is bounded.
    return numbers.nextSeq - lowestActive(numbers) < sessionInFlightMax
  }

  function start(): SessionRequest {
    const mine = numbers
    const seq = mine.nextSeq++
    mine.active.add(seq)
    return {
      id: {
        session: mine.id,
        seq,
        get doneBelow() {
          return lowestActive(mine)
        }
      },
      end(outcome) {
        if (!mine.active.delete(seq)) return
        if (outcome === 'answered') mine.opened = true
        else if (!mine.opened && mine === numbers) numbers = startNumbers()
        startWaiting()
      }
    }
  }

  function startWaiting(): void {
    for (const next of waiting) {
      if (!mayBegin()) return
      waiting.delete(next)
      next(start())
    }
  }

  function tryBegin(): SessionRequest | undefined {
    return waiting.size === 0 && mayBegin() ? start() : undefined
  }

  return {
    tryBegin,
    begin({ signal } = {}) {
      const request = tryBegin()
      if (request !== undefined) return Promise.resolve(request)
      if (waiting.size >= waitingMax) {
        return Promise.reject(new CallError('Busy', { message: `${waitingMax} requests wait in this session` }))
      }
      return new Promise((resolve, reject) => {
        const turn = (request: SessionRequest): void => {
          signal?.removeEventListener('abort', onAbort)
          resolve(request)
        }
        const onAbort = (): void => {
          waiting.delete(turn)
          const message = 'the deadline passed while earlier requests of the session were not answered'
          reject(new CallError('DeadlineExceeded', { message }))
        }
        if (signal?.aborted === true) {
          onAbort()
          return
        }
        signal?.addEventListener('abort', onAbort, { once: true })
        waiting.add(turn)
      })
    },
    renew(lostId) {
      if (numbers.id !== lostId) return
      numbers = startNumbers()
      startWaiting()
    },
    get id() {
      return numbers.id
    },
    get inFlight() {
      return numbers.active.size
    }
  }
}

interface Numbers {
  readonly id: string
  nextSeq: number
  opened: boolean
  readonly active: Set<number>
}
