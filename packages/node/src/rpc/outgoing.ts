import type { Routes } from '@instar/core'
import {
  callWithRetry,
  createRetryCounters,
  createSession,
  type CallHeader,
  type ChannelPool,
  type RetryCounters
} from '@instar/rpc'
import type { OutgoingCall } from '@instar/simulator-runtime/host'
import type { Router } from './router.js'

export interface Outgoing {
  /** Retried until its deadline (§12). A call to this peer itself takes no network. @throws CallError */
  call(call: OutgoingCall): Promise<Uint8Array>
  readonly counters: Readonly<RetryCounters>
}

export interface OutgoingInit {
  readonly self: string
  readonly pool: Pick<ChannelPool, 'get'>
  readonly router: Router
  readonly routes: () => Routes
}

export function createOutgoing(init: OutgoingInit): Outgoing {
  const counters = createRetryCounters()

  function chainIdOf(version: number): string | undefined {
    return init.routes().entries.find(each => each.version === version)?.chainId
  }

  async function attempt(call: OutgoingCall, header: CallHeader): Promise<Uint8Array> {
    const { peer, args, signal } = call
    if (peer === init.self) return init.router(init.self, header, args, { signal, remainingMs: header.remainingMs })
    const { channel } = await init.pool.get(peer, { signal })
    return channel.request(header, args, { signal })
  }

  return {
    counters,
    call(call) {
      const chainId = chainIdOf(call.version)
      return callWithRetry(
        ({ request, remainingMs }) =>
          attempt(call, {
            version: call.version,
            className: call.className,
            method: call.method,
            remainingMs: Math.ceil(remainingMs),
            seq: request?.seq ?? 0,
            doneBelow: request?.doneBelow ?? 0,
            ...(request && { session: request.session }),
            ...(chainId !== undefined && { chainId })
          }),
        {
          // What kind of method it is, only the other object knows. A session of its own makes repeating right for a command, and costs a query nothing.
          session: createSession(),
          deadlineMs: call.remainingMs,
          signal: call.signal,
          counters
        }
      )
    }
  }
}
