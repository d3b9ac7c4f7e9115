import { CallError, InstarError, messageOf, type Routes } from '@instar/core'
import {
  createCallerQuotas,
  createChannelPool,
  encodeHello,
  fromLibp2pStream,
  greet,
  rpcProtocol,
  type CallerLimits,
  type ChannelLimits,
  type ChannelPool,
  type Greeted,
  type Hello
} from '@instar/rpc'
import type { Stream } from '@libp2p/interface'
import type { Logger } from 'pino'
import type { HostPort } from '../host/host-port.js'
import type { Overlay } from '../overlay/overlay.js'
import type { Refusals } from '../overlay/refusals.js'
import { createCallCounters, type CallCounters } from './call-counters.js'
import { createOutgoing, type Outgoing } from './outgoing.js'
import { createRouter, type RouterInit } from './router.js'

export interface RpcInit extends Pick<
  RouterInit,
  'onOutcome' | 'onHigherVersion' | 'onUse' | 'onCaller' | 'notYetRetryAfterMs'
> {
  readonly overlay: Pick<Overlay, 'peerId' | 'openStream' | 'handle'>
  /** This peer's hello as of now; its network is the one that others must name. */
  readonly hello: () => Hello
  readonly routes: () => Routes
  readonly host: Pick<HostPort, 'call'>
  /** What another peer or client said of itself, on connecting and whenever it changes. */
  readonly onHello?: (peer: string, hello: Hello) => void
  readonly onOtherHistory?: (peer: string) => void
  readonly limits?: Partial<ChannelLimits>
  readonly callerLimits?: Partial<CallerLimits>
  /** Where what is refused is counted. */
  readonly refusals?: Refusals
  /** Monotonic milliseconds. */
  readonly now: () => number
  readonly log: Pick<Logger, 'debug' | 'info'>
}

/** Calls from and to other peers: one framed stream per pair, the router, and the calls that our object makes. */
export interface Rpc extends Outgoing {
  /** Before the overlay starts. */
  start(): Promise<void>
  /** Says goodbye to everyone; running calls get a short time. */
  stop(): Promise<void>
  /** Tells all others that what this peer serves has changed. Coalesced: call it after every change. */
  helloChanged(): void
  /** The other's hello, connecting to it where needed. @throws CallError Unreachable */
  helloOf(peer: string, options?: { signal?: AbortSignal }): Promise<Hello>
  readonly received: CallCounters
  /** Peers and clients with a channel now. */
  connected(): readonly string[]
}

/** One is needed per pair; the rest is for both ends dialling at once, and for a channel that is not known to be dead yet. */
const streamsPerConnectionMax = 8
const channelsMax = 4096
const helloSpanMs = 100

export function createRpc(init: RpcInit): Rpc {
  const { overlay, log, now } = init
  const received = createCallCounters()
  const quotas = createCallerQuotas({
    ...(init.callerLimits && { limits: init.callerLimits }),
    onRefused: (caller, reason) => init.refusals?.count('call', reason, caller)
  })
  const router = createRouter({ ...init, counters: received })
  const pool: ChannelPool = createChannelPool({
    open: async (peer, signal) => meet(await overlay.openStream(peer, rpcProtocol, { signal }), peer, signal)
  })
  const outgoing = createOutgoing({
    self: overlay.peerId,
    pool,
    router,
    routes: init.routes,
    ...(init.onOtherHistory && { onOtherHistory: init.onOtherHistory })
  })
  let helloTimer: NodeJS.Timeout | undefined

  function meet(stream: Stream, peer: string, signal?: AbortSignal): Promise<Greeted> {
    return greet({
      transport: fromLibp2pStream(stream),
      name: peer,
      quotas,
      hello: init.hello(),
      now,
      // The caller is who the connection proves it to be, whatever it says of itself.
      onCall: (header, body, { cancellation, remainingMs }) =>
        router(peer, header, body, { signal: cancellation, remainingMs }),
      onUpdate: hello => init.onHello?.(peer, hello),
      ...(init.limits && { limits: init.limits }),
      ...(signal && { signal })
    }).then(greeted => {
      noteFaults(peer, greeted)
      init.onHello?.(peer, greeted.hello)
      return greeted
    })
  }

  function noteFaults(peer: string, { channel }: Greeted): void {
    void channel.closed.then(({ code, message }) => {
      if (code === 'protocol' || code === 'silent' || code === 'stalled')
        init.refusals?.count('call', code, peer, message)
    })
  }

  async function accept(stream: Stream, peer: string): Promise<void> {
    if (pool.all().length >= channelsMax) {
      init.refusals?.count('call', 'TooManyChannels', peer)
      stream.abort(new Error('too many connections'))
      return
    }
    try {
      pool.add(peer, await meet(stream, peer))
    } catch (thrown) {
      // The other end has been told; for us it is news only when it belongs to another network.
      const level = thrown instanceof InstarError && thrown.code === 'WrongNetwork' ? 'info' : 'debug'
      log[level]({ peer, cause: messageOf(thrown) }, 'a caller was turned away')
    }
  }

  function tellAll(): void {
    helloTimer = undefined
    const payload = encodeHello(init.hello())
    for (const { channel } of pool.all()) channel.sendHello(payload)
  }

  return {
    received,
    counters: outgoing.counters,
    call: call => outgoing.call(call),
    connected: () => pool.peers(),
    start: () => overlay.handle(rpcProtocol, accept, { maxInboundStreams: streamsPerConnectionMax }),
    async stop() {
      clearTimeout(helloTimer)
      await pool.close()
    },
    helloChanged() {
      helloTimer ??= setTimeout(tellAll, helloSpanMs).unref()
    },
    async helloOf(peer, options) {
      if (peer === overlay.peerId) return init.hello()
      const greeted = await pool.get(peer, options)
      if (!greeted.channel.open) throw new CallError('Unreachable', { message: `${peer} has just gone` })
      return greeted.hello
    }
  }
}
