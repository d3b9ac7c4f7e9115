import type { Logger } from 'pino'
import { messageOf } from '@instar/core'
import type { KnownPeer } from '../store/store.js'
import { peerOf, type AddressBook } from './address-book.js'

/** Below this many neighbours known peers are dialled. */
const neighboursWanted = 8
const dialsAtOnce = 4
const maintainMs = 2000
/** Even a peer with enough neighbours dials a random one now and then, or two halves of a split network would never meet again. */
const exploreMs = 60_000

export interface NeighboursInit {
  readonly book: AddressBook
  readonly bootstrap: readonly string[]
  readonly log: Logger
  readonly now: () => number
  readonly random: () => number
  connected(): ReadonlySet<string>
  neighbours(): ReadonlySet<string>
  dial(peer: KnownPeer): Promise<void>
}

/** Keeps a peer connected: dials the bootstrap addresses and known peers, with backoff, while it has few neighbours. */
export class Neighbours {
  private timer: NodeJS.Timeout | undefined
  private running = false
  private exploreAtMs = 0
  private readonly dialling = new Set<string>()

  constructor(private readonly init: NeighboursInit) {
    const bootstrap = init.bootstrap.flatMap(address => {
      const peer = peerOf(address)
      return peer === undefined ? [] : [{ peer, addresses: [address], lastSeenMs: init.now() }]
    })
    init.book.hear(bootstrap)
  }

  start(): void {
    this.running = true
    this.exploreAtMs = this.init.now() + exploreMs
    this.look()
  }

  stop(): void {
    this.running = false
    clearTimeout(this.timer)
  }

  /** Looks now: somebody left, or somebody new was heard of. */
  look(): void {
    if (!this.running) return
    clearTimeout(this.timer)
    this.timer = setTimeout(() => this.look(), maintainMs * (0.75 + this.init.random() / 2))
    const wanted = neighboursWanted - this.init.neighbours().size - this.dialling.size
    const count = Math.min(wanted > 0 ? wanted : this.isTimeToExplore() ? 1 : 0, dialsAtOnce - this.dialling.size)
    if (count <= 0) return
    const busy = new Set([...this.init.connected(), ...this.dialling])
    for (const peer of this.init.book.candidates(busy).slice(0, count)) void this.dial(peer)
  }

  private async dial(peer: KnownPeer): Promise<void> {
    this.dialling.add(peer.peer)
    try {
      await this.init.dial(peer)
      this.init.book.reached(peer.peer)
    } catch (thrown) {
      this.init.book.failed(peer.peer)
      this.init.log.debug({ peer: peer.peer, cause: messageOf(thrown) }, 'could not connect')
    } finally {
      this.dialling.delete(peer.peer)
    }
    this.look()
  }

  private isTimeToExplore(): boolean {
    if (this.init.now() < this.exploreAtMs || this.init.neighbours().size >= 2 * neighboursWanted) return false
    this.exploreAtMs = this.init.now() + exploreMs
    return true
  }
}
