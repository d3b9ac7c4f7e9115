import { syncLimits } from '../overlay/limits.js'
import type { Refusals } from '../overlay/refusals.js'
import { TokenBuckets } from '../overlay/token-bucket.js'

export interface ServingInit {
  readonly limits?: Partial<typeof syncLimits>
  readonly refusals: Refusals | undefined
  readonly now: () => number
}

/** One exchange that this peer answers. */
export interface Served {
  /** Bytes went out. Throws when its peer has had as much as it may have for now. */
  sent(bytes: number): void
  /** Its place is free. */
  end(): void
}

interface Place {
  readonly peer: string
  readonly beganMs: number
  readonly cut: (cause: Error) => void
}

/**
 * The places for exchanges that others begin: few for each peer and a bounded number in all. One that takes long, because its asker reads slowly or asks slowly, gives its place to whoever comes
 * when all are taken; so those who hold places without using them keep nobody out. Those that this peer has dialled have some places to themselves: a flooder cannot choose to be one of them.
 */
export class Serving {
  private readonly limits: typeof syncLimits
  private readonly places = new Set<Place>()
  private readonly exchanges: TokenBuckets
  private readonly bytes: TokenBuckets

  constructor(private readonly init: ServingInit) {
    this.limits = { ...syncLimits, ...init.limits }
    const { servedPerMinute, servedAtOnce, servedBytesPerMinute, servedBytesAtOnce } = this.limits
    const { now } = init
    this.exchanges = new TokenBuckets({ perSecond: servedPerMinute / 60, atOnce: servedAtOnce, now })
    this.bytes = new TokenBuckets({ perSecond: servedBytesPerMinute / 60, atOnce: servedBytesAtOnce, now })
  }

  /** Undefined: not now. @param dialled this peer chose the connection @param cut ends the exchange from outside */
  begin(peer: string, dialled: boolean, cut: (cause: Error) => void): Served | undefined {
    const refusal = this.refusalOf(peer, dialled)
    if (refusal !== undefined) {
      this.init.refusals?.count('sync', refusal, peer)
      return undefined
    }
    const place = { peer, beganMs: this.init.now(), cut }
    this.places.add(place)
    return {
      sent: bytes => {
        if (this.bytes.spend(peer, bytes) === 0) return
        this.init.refusals?.count('sync', 'TooMuch', peer)
        throw new Error('it has had as much as it may have for now')
      },
      end: () => void this.places.delete(place)
    }
  }

  private refusalOf(peer: string, dialled: boolean): string | undefined {
    const { servedPerPeerMax, servedMax, servedDialledMax } = this.limits
    const ofPeer = [...this.places].filter(each => each.peer === peer).length
    if (ofPeer >= servedPerPeerMax) return 'Busy'
    if (!this.exchanges.take(peer)) return 'TooOften'
    const free = servedMax - this.places.size
    if (free > (dialled ? 0 : servedDialledMax)) return undefined
    return this.cutSlowest() ? undefined : 'Busy'
  }

  /** The one that has had its place longest, if it has had it long enough. */
  private cutSlowest(): boolean {
    const [slowest] = this.places
    if (slowest === undefined || this.init.now() - slowest.beganMs < this.limits.servedLongMs) return false
    this.places.delete(slowest)
    this.init.refusals?.count('sync', 'Slow', slowest.peer)
    slowest.cut(new Error('others wait'))
    return true
  }
}
