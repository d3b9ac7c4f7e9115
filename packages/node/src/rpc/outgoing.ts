import { CallError, type Routes } from '@instar/core'
import {
  callWithRetry,
  createCallerSessions,
  createRetryCounters,
  createSession,
  type CallHeader,
  type ChannelPool,
  type RequestId,
  type RetryCounters,
  type Session
} from '@instar/rpc'
import type { OutgoingCall } from '@instar/simulator-runtime/host'
import type { Router } from './router.js'

/** `kind` is absent where nobody here knows it. */
type CallOut = Omit<OutgoingCall, 'kind'> & { readonly kind?: OutgoingCall['kind'] }

export interface Outgoing {
  /**
   * Retried until its deadline, in a session of this peer (§12); sent once, as it is, where it has its request id already. A call to this
   * peer itself takes no network.
   *
   * @throws CallError
   */
  call(call: CallOut): Promise<Uint8Array>
  readonly counters: Readonly<RetryCounters>
}

export interface OutgoingInit {
  readonly self: string
  readonly pool: Pick<ChannelPool, 'get'>
  readonly router: Router
  readonly routes: () => Routes
  /** The called peer means another version by the number of a call (§6). */
  readonly onOtherHistory?: (peer: string) => void
}

export function createOutgoing(init: OutgoingInit): Outgoing {
  const counters = createRetryCounters()
  const sessions = createCallerSessions()

  function repeatable(call: CallOut): { session: Session } | { idempotent: true } {
    if (call.kind === 'query') return { idempotent: true }
    // What kind of method an operator means only the other object knows. A session of its own makes repeating right for all, and costs a query nothing.
    if (call.kind === undefined) return { session: createSession() }
    const object = `${call.peer} ${call.className} ${call.version}`
    return { session: call.kind === 'flow' ? sessions.idle(object) : sessions.shared(object) }
  }

  function headerOf(call: CallOut, request: RequestId | undefined, remainingMs: number): CallHeader {
    const chainId = chainIdOf(call.version)
    // An operator's call begins here; one that the object makes goes on from here.
    const chain = call.hops === 0 ? undefined : { hops: call.hops, trail: `${call.trail} at …${init.self.slice(-8)}` }
    return {
      version: call.version,
      className: call.className,
      method: call.method,
      remainingMs: Math.ceil(remainingMs),
      seq: request?.seq ?? 0,
      doneBelow: request?.doneBelow ?? 0,
      ...(request && { session: request.session }),
      ...chain,
      ...(chainId !== undefined && { chainId })
    }
  }

  function chainIdOf(version: number): string | undefined {
    return init.routes().entries.find(each => each.version === version)?.chainId
  }

  async function attempt(call: CallOut, header: CallHeader): Promise<Uint8Array> {
    const { peer, args, signal } = call
    if (peer === init.self) return init.router(init.self, header, args, { signal, remainingMs: header.remainingMs })
    const { channel } = await init.pool.get(peer, { signal, withinMs: header.remainingMs })
    try {
      return await channel.request(header, args, { signal })
    } catch (thrown) {
      if (thrown instanceof CallError && thrown.code === 'Diverged') init.onOtherHistory?.(peer)
      throw thrown
    }
  }

  return {
    counters,
    call(call) {
      if (call.request !== undefined) return attempt(call, headerOf(call, call.request, call.remainingMs))
      return callWithRetry(({ request, remainingMs }) => attempt(call, headerOf(call, request, remainingMs)), {
        ...repeatable(call),
        deadlineMs: call.remainingMs,
        signal: call.signal,
        counters
      })
    }
  }
}
