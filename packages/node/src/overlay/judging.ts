import { gossipLimits } from './limits.js'

interface Waiting {
  readonly bytes: number
  readonly begin: () => void
}

interface OfPeer {
  running: number
  bytes: number
  readonly waiting: Waiting[]
}

/**
 * Lets a bounded number of messages be judged at once, of one neighbour and of all, and turns to each neighbour in its turn: one that sends more than the others waits for itself. What it has
 * waiting is bounded too.
 */
export class Judging {
  /** In the order in which they get their turn. */
  private readonly peers = new Map<string, OfPeer>()
  private running = 0

  constructor(
    private readonly limits: Pick<
      typeof gossipLimits,
      'judgingPerPeerMax' | 'judgingMax' | 'waitingPerPeerMax' | 'waitingBytesPerPeerMax'
    > = gossipLimits
  ) {}

  /** Undefined at once: too many of this neighbour wait already. */
  judge<T>(peer: string, bytes: number, work: () => Promise<T>): Promise<T> | undefined {
    const ofPeer = this.peers.get(peer) ?? { running: 0, bytes: 0, waiting: [] }
    const { waitingPerPeerMax, waitingBytesPerPeerMax } = this.limits
    if (ofPeer.waiting.length >= waitingPerPeerMax || ofPeer.bytes + bytes > waitingBytesPerPeerMax) return undefined
    this.peers.set(peer, ofPeer)
    return new Promise<T>((resolve, reject) => {
      const begin = (): void => {
        work()
          .then(resolve, reject)
          .finally(() => this.ended(peer, ofPeer))
      }
      ofPeer.waiting.push({ bytes, begin })
      ofPeer.bytes += bytes
      this.next()
    })
  }

  private next(): void {
    while (this.running < this.limits.judgingMax) {
      const turn = this.firstReady()
      if (turn === undefined) return
      const [peer, ofPeer] = turn
      // To the end of the row.
      this.peers.delete(peer)
      this.peers.set(peer, ofPeer)
      const { bytes, begin } = ofPeer.waiting.shift() as Waiting
      ofPeer.bytes -= bytes
      ofPeer.running++
      this.running++
      begin()
    }
  }

  private firstReady(): [string, OfPeer] | undefined {
    for (const each of this.peers)
      if (each[1].waiting.length > 0 && each[1].running < this.limits.judgingPerPeerMax) return each
    return undefined
  }

  private ended(peer: string, ofPeer: OfPeer): void {
    ofPeer.running--
    this.running--
    if (ofPeer.running === 0 && ofPeer.waiting.length === 0) this.peers.delete(peer)
    this.next()
  }
}
