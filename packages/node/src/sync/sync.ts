import { InstarError, messageOf } from '@instar/core'
import type { Heads } from '@instar/signer'
import type { Connection, Stream } from '@libp2p/interface'
import type { Logger } from 'pino'
import type { Announcements } from '../overlay/announcements.js'
import { syncLimits } from '../overlay/limits.js'
import type { Overlay } from '../overlay/overlay.js'
import type { Refusals } from '../overlay/refusals.js'
import type { TrustService } from '../trust/trust-service.js'
import { Doubts } from './doubts.js'
import { pull, serve, type ExchangeInit, type Pulled } from './exchange.js'
import { framesOver, PeerLied, PeerStalled } from './frames.js'
import { syncProtocol } from './messages.js'
import { Serving } from './serving.js'

export interface SyncInit {
  readonly overlay: Overlay
  readonly network: string
  readonly trust: TrustService
  readonly announcements: Announcements
  /** How often to compare with one neighbour, jittered by a quarter both ways. Default 60 s. */
  readonly everyMs?: number
  /** How long a peer may take for one message before it counts as stalled. Default 10 s. */
  readonly messageTimeoutMs?: number
  /** Where they differ from the defaults. */
  readonly limits?: Partial<typeof syncLimits>
  /** Where what is refused is counted. */
  readonly refusals?: Refusals
  readonly random?: () => number
  readonly now?: () => number
  readonly certificates?: NonNullable<ExchangeInit['certificates']>
  readonly log: Logger
}

/** Compares heads with neighbours and pulls what is missing, in order: root chain first, then descriptors 1 … n (§5). */
export interface Sync {
  /** Before the overlay starts. */
  start(): Promise<void>
  stop(): Promise<void>
  /**
   * Pulls from this peer; asked again during a pull, it pulls once more after it. Resolves when a complete exchange has ended,
   * rejects when it failed; then the peer is dropped if it lied or stalled, and another neighbour is asked in its place. Returns what
   * the peer said that it holds.
   */
  pullFrom(peer: string): Promise<Heads>
  /** The same because of something that this peer has claimed. One whose claims came to nothing is not asked for a while: then it rejects at once. */
  pullOnClaim(peer: string): Promise<Heads>
  /** After each complete exchange. A newcomer's start waits for the first. */
  onSynced(listener: (peer: string) => void): () => void
}

const everyDefaultMs = 60_000
/** A newcomer whose first exchange failed does not wait for a minute: nothing of it runs before. */
const untilFirstMs = 2000
const askAgainMs = 10_000

export function createSync(init: SyncInit): Sync {
  return new NeighbourSync(init)
}

interface Pulling {
  readonly done: Promise<Heads>
  again: Promise<Heads> | undefined
}

class NeighbourSync implements Sync {
  private readonly pulling = new Map<string, Pulling>()
  private readonly queue: (() => void)[] = []
  private readonly askedAtMs = new Map<string, number>()
  private readonly listeners = new Set<(peer: string) => void>()
  private readonly stopped = new AbortController()
  private readonly exchange: ExchangeInit
  private readonly random: () => number
  private readonly messageTimeoutMs: number
  private readonly limits: typeof syncLimits
  private readonly doubts: Doubts
  private readonly serving: Serving
  private synced = false
  private active = 0
  private timer: NodeJS.Timeout | undefined

  constructor(private readonly init: SyncInit) {
    this.random = init.random ?? Math.random
    this.limits = { ...syncLimits, ...init.limits }
    this.messageTimeoutMs = init.messageTimeoutMs ?? this.limits.messageMs
    this.exchange = { ...init, pulledBytesMax: this.limits.pulledBytesMax, onAhead: peer => this.pullSoon(peer) }
    const now = init.now ?? Date.now
    this.doubts = new Doubts(now)
    this.serving = new Serving({ limits: this.limits, refusals: init.refusals, now })
  }

  async start(): Promise<void> {
    const { overlay, announcements, trust } = this.init
    await overlay.handle(syncProtocol, (stream, peer, connection) => this.answer(stream, peer, connection), {
      maxInboundStreams: this.limits.servedPerPeerMax
    })
    // Whatever true comes from a peer, by whatever way, makes its next claim worth a look.
    trust.onChange((_, from) => this.doubts.clear(from))
    overlay.on('neighbour', peer => this.pullSoon(peer))
    announcements.onHeard((statement, from, admission) => {
      // R3: somebody knows a version that is not here.
      if (statement.newest > trust.newest().version) this.pullSoon(from)
      // §13: signed by admission keys that are not known here, it is ignored, and its sender asked what it knows.
      else if (admission.by === 'nothing' && admission.code === 'NeedsNewerTrust') this.askAgain(from)
    })
    this.plan()
  }

  async stop(): Promise<void> {
    clearTimeout(this.timer)
    this.stopped.abort()
    for (const proceed of this.queue.splice(0)) proceed()
    await Promise.allSettled([...this.pulling.values()].map(each => each.again ?? each.done))
  }

  pullFrom(peer: string): Promise<Heads> {
    const now = this.pulling.get(peer)
    if (now === undefined) return this.begin(peer, new Set([peer]))
    // What is asked for may have come to the peer after the exchange under way looked.
    const again = () => this.pullFrom(peer)
    now.again ??= now.done.then(again, again)
    return now.again
  }

  pullOnClaim(peer: string): Promise<Heads> {
    if (!this.doubts.has(peer)) return this.pullFrom(peer)
    this.init.refusals?.count('sync', 'EmptyClaim', peer)
    const message = `Peer ${peer} claimed more than it gave; it is asked again later.`
    return Promise.reject(new InstarError('Unreachable', message))
  }

  onSynced(listener: (peer: string) => void): () => void {
    this.listeners.add(listener)
    return () => this.listeners.delete(listener)
  }

  private pullSoon(peer: string): void {
    this.pullOnClaim(peer).catch((thrown: unknown) => {
      this.init.log.debug({ peer, cause: messageOf(thrown) }, 'an exchange failed')
    })
  }

  /** Anybody can name keys that nobody knows: a neighbour is asked once in a while, not once for each of them. */
  private askAgain(from: string): void {
    const nowMs = (this.init.now ?? Date.now)()
    if (nowMs - (this.askedAtMs.get(from) ?? -Infinity) < askAgainMs) return
    if (this.askedAtMs.size >= 1000) this.askedAtMs.clear()
    this.askedAtMs.set(from, nowMs)
    this.pullSoon(from)
  }

  private begin(peer: string, tried: Set<string>): Promise<Heads> {
    const done = this.run(peer).finally(() => this.pulling.delete(peer))
    this.pulling.set(peer, { done, again: undefined })
    done.catch(() => this.askAnother(tried))
    return done
  }

  private askAnother(tried: Set<string>): void {
    if (this.stopped.signal.aborted || tried.size > 3) return
    const others = [...this.init.overlay.neighbours()].filter(
      each => !tried.has(each) && !this.pulling.has(each) && !this.doubts.has(each)
    )
    const next = this.pick(others)
    if (next === undefined) return
    this.begin(next, tried.add(next)).catch((thrown: unknown) => {
      this.init.log.debug({ peer: next, cause: messageOf(thrown) }, 'an exchange failed')
    })
  }

  private async run(peer: string): Promise<Heads> {
    await this.turn()
    const limit = AbortSignal.any([this.stopped.signal, AbortSignal.timeout(this.limits.exchangeMs)])
    let stream: Stream | undefined
    let pulled: Pulled
    try {
      limit.throwIfAborted()
      stream = await this.init.overlay.openStream(peer, syncProtocol, { signal: limit })
      const frames = framesOver(stream, this.messageTimeoutMs, limit)
      pulled = await pull(this.exchange, frames, peer)
      frames.close()
    } catch (thrown) {
      stream?.abort(thrown as Error)
      this.judge(peer, thrown)
      throw thrown
    } finally {
      this.active--
      this.queue.shift()?.()
    }
    this.learnFrom(peer, pulled)
    return pulled.heads
  }

  private learnFrom(peer: string, { outcome }: Pulled): void {
    if (outcome === 'nothing') {
      this.doubts.add(peer)
      this.init.refusals?.count('sync', 'NothingNew', peer, 'it claims more than it gives')
    } else {
      this.doubts.clear(peer)
    }
    // Others get their turn in between.
    if (outcome === 'more') this.pullSoon(peer)
    this.synced = true
    for (const listener of this.listeners) listener(peer)
  }

  private async answer(stream: Stream, peer: string, connection: Connection): Promise<void> {
    const served = this.serving.begin(peer, connection.direction === 'outbound', cause => stream.abort(cause))
    if (served === undefined) {
      stream.abort(new Error('busy'))
      return
    }
    const limit = AbortSignal.any([this.stopped.signal, AbortSignal.timeout(this.limits.exchangeMs)])
    try {
      const frames = framesOver(stream, this.messageTimeoutMs, limit, bytes => served.sent(bytes))
      await serve(this.exchange, frames, peer)
      frames.close()
    } catch (thrown) {
      stream.abort(thrown as Error)
      // Only a lie counts here: one who asks slowly costs a stream, and that is bounded.
      if (thrown instanceof PeerLied) this.judge(peer, thrown)
    } finally {
      served.end()
    }
  }

  private judge(peer: string, thrown: unknown): void {
    if (thrown instanceof InstarError && thrown.code !== 'Unreachable')
      this.init.log.warn({ peer, cause: thrown.message }, 'could not keep what an exchange brought')
    const { overlay, refusals } = this.init
    if (thrown instanceof PeerLied) {
      refusals?.count('sync', 'Lied', peer, thrown.message)
      overlay.ban(peer, thrown.message)
    }
    if (thrown instanceof PeerStalled) {
      refusals?.count('sync', 'Stalled', peer, thrown.message)
      overlay.ban(peer, thrown.message, this.limits.stalledMs)
    }
  }

  /** Waits for one of the few places for exchanges. */
  private async turn(): Promise<void> {
    if (this.active >= this.limits.pullsMax) await new Promise<void>(resolve => this.queue.push(resolve))
    this.active++
  }

  private plan(): void {
    const everyMs = Math.min(this.init.everyMs ?? everyDefaultMs, this.synced ? Infinity : untilFirstMs)
    this.timer = setTimeout(
      () => {
        const peer = this.pick([...this.init.overlay.neighbours()].filter(each => !this.doubts.has(each)))
        if (peer !== undefined) this.pullSoon(peer)
        this.plan()
      },
      everyMs * (0.75 + this.random() / 2)
    )
  }

  private pick(peers: readonly string[]): string | undefined {
    return peers[Math.floor(this.random() * peers.length)]
  }
}
