import type { Cancellation } from '@instar/rpc'
import type { HostCallHeader } from './host-port.js'

/** Bounds of what is held while a host is switched; beyond them a call is answered `Upgrading` with a time to retry. */
export interface HoldLimits {
  readonly callsMax: number
  /** Bodies of all held calls together. */
  readonly bytesMax: number
  /** How long one call may be held. */
  readonly ageMaxMs: number
}

/** 10,000 calls or 64 MiB, for half a minute: above every pause that is not a fault, below what hurts the peer. */
export const defaultHoldLimits: HoldLimits = Object.freeze({
  callsMax: 10_000,
  bytesMax: 64 * 1024 * 1024,
  ageMaxMs: 30_000
})

/** One call on its way through the peer, sent to no host, one, or two. */
export interface PendingCall {
  /** Grows with each call that arrived, so that held calls are sent in that order. */
  readonly order: number
  readonly header: HostCallHeader
  readonly body: Uint8Array
  readonly signal: Cancellation
  readonly arrivedAt: number
  /** How often it was given to a host. */
  sends: number
  /** `unknown` as soon as a host that had it ended without an answer. */
  executed: 'no' | 'unknown'
}

/** The calls that are held, oldest first. */
export interface CallQueue {
  /** False when a bound would be passed: the call is not taken. */
  hold(call: PendingCall): boolean
  /** Takes the oldest call out. */
  take(): PendingCall | undefined
  readonly calls: number
  readonly bytes: number
  clear(): readonly PendingCall[]
}

/** `onExpired` is given a call that was held too long, whose deadline passed or whose caller went away. */
export function createCallQueue(
  limits: HoldLimits,
  now: () => number,
  onExpired: (call: PendingCall, why: 'age' | 'deadline' | 'cancelled') => void
): CallQueue {
  const held: PendingCall[] = []
  const release = new Map<PendingCall, () => void>()
  let bytes = 0

  function drop(call: PendingCall): void {
    const at = held.indexOf(call)
    if (at >= 0) held.splice(at, 1)
    forget(call)
  }

  function forget(call: PendingCall): void {
    bytes -= call.body.byteLength
    release.get(call)?.()
    release.delete(call)
  }

  function watch(call: PendingCall): void {
    const untilDeadlineMs = call.arrivedAt + call.header.remainingMs - now()
    const expire = (why: 'age' | 'deadline' | 'cancelled') => (): void => {
      drop(call)
      onExpired(call, why)
    }
    const timer =
      untilDeadlineMs <= limits.ageMaxMs
        ? setTimeout(expire('deadline'), Math.max(0, untilDeadlineMs))
        : setTimeout(expire('age'), limits.ageMaxMs)
    const cancelled = expire('cancelled')
    call.signal.addEventListener('abort', cancelled, { once: true })
    release.set(call, () => {
      clearTimeout(timer)
      call.signal.removeEventListener('abort', cancelled)
    })
  }

  return {
    hold(call) {
      if (held.length >= limits.callsMax || bytes + call.body.byteLength > limits.bytesMax) return false
      // A call that comes back from a host is older than those that never left: it keeps its place.
      let at = held.length
      while (at > 0 && (held[at - 1] as PendingCall).order > call.order) at--
      held.splice(at, 0, call)
      bytes += call.body.byteLength
      watch(call)
      return true
    },
    take() {
      const call = held.shift()
      if (call !== undefined) forget(call)
      return call
    },
    get calls() {
      return held.length
    },
    get bytes() {
      return bytes
    },
    clear() {
      const all = held.splice(0)
      all.forEach(forget)
      return all
    }
  }
}
