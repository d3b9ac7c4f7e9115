import type { Connection, ConnectionGater, MultiaddrConnection } from '@libp2p/interface'
import { getNetConfig, isNetworkAddress } from '@libp2p/utils'
import type { Multiaddr } from '@multiformats/multiaddr'
import { messageOf } from '@instar/core'
import { connectionLimits } from './limits.js'
import { Handshakes, whoLeaves, type Place } from './places.js'
import type { Refusals } from './refusals.js'
import { SentOff, type SentOffPeer } from './sent-off.js'
import { TokenBuckets } from './token-bucket.js'

export interface DoorInit {
  /** Hosts cannot be told apart: all of the network is on one machine. */
  readonly sameHost: boolean
  readonly limits?: Partial<typeof connectionLimits>
  readonly isNeighbour: (peer: string) => boolean
  readonly refusals: Refusals
  readonly now: () => number
}

/**
 * Who may connect, and who has to go: in the order in which a connection gets dearer, a host that comes too often or never shakes hands, a peer that was sent off, and too many connections in all.
 */
export class Door {
  readonly limits: typeof connectionLimits
  private readonly away: SentOff
  private readonly handshakes: Handshakes
  private readonly knocks: TokenBuckets
  private readonly open = new Map<string, Connection>()

  constructor(private readonly init: DoorInit) {
    this.limits = Object.freeze({ ...connectionLimits, ...init.limits })
    const { sameHost, pendingPerHostMax, perHostPerSecond, perHostAtOnce } = this.limits
    const perSecond = init.sameHost ? sameHost.perHostPerSecond : perHostPerSecond
    this.away = new SentOff(init.now)
    this.handshakes = new Handshakes(init.sameHost ? sameHost.pendingMax : pendingPerHostMax)
    this.knocks = new TokenBuckets({
      perSecond,
      atOnce: init.sameHost ? perSecond : perHostAtOnce,
      now: init.now,
      keysMax: 10_000
    })
  }

  /** libp2p asks at each step of a connection. */
  readonly gater: ConnectionGater = {
    denyDialPeer: peer => this.away.has(peer.toString()),
    denyInboundConnection: connection => this.isUnwelcome(connection),
    denyInboundEncryptedConnection: peer => this.wasSentOff(peer.toString()),
    denyInboundUpgradedConnection: (_peer, connection) => {
      this.handshakes.end(hostOf(connection.remoteAddr), connection)
      return false
    }
  }

  /** A connection is open: it, or another one, goes where there are too many. */
  entered(connection: Connection): void {
    this.open.set(connection.id, connection)
    connection.addEventListener('close', () => void this.open.delete(connection.id))
    if (connection.status !== 'open') this.open.delete(connection.id)
    const { openMax, perPeerMax } = this.limits
    const peer = connection.remotePeer.toString()
    const places = [...this.open.values()].map(each => this.placeOf(each))
    if (places.length <= openMax && places.filter(place => place.peer === peer).length <= perPeerMax) return
    for (const { place, reason } of whoLeaves(places, this.limits)) {
      this.init.refusals.count('connection', reason, place.peer, place.host)
      this.open.get(place.id)?.abort(new Error(reason))
    }
  }

  sendOff(peer: string, reason: string, forMs: number): void {
    this.away.add(peer, reason, forMs)
  }

  sentOff(): readonly SentOffPeer[] {
    return this.away.all()
  }

  private isUnwelcome(connection: MultiaddrConnection): boolean {
    const host = hostOf(connection.remoteAddr)
    const reason = !this.knocks.take(host)
      ? 'TooManyKnocks'
      : this.handshakes.begin(host, connection)
        ? undefined
        : 'TooManyHandshakes'
    if (reason !== undefined) this.init.refusals.count('connection', reason, undefined, host)
    else connection.addEventListener('close', () => this.handshakes.end(host, connection))
    return reason !== undefined
  }

  private wasSentOff(peer: string): boolean {
    if (!this.away.has(peer)) return false
    this.init.refusals.count('connection', 'SentOff', peer)
    return true
  }

  private placeOf({ id, remotePeer, remoteAddr, direction, timeline }: Connection): Place {
    const peer = remotePeer.toString()
    return {
      id,
      peer,
      host: hostOf(remoteAddr),
      inbound: direction === 'inbound',
      openedAtMs: timeline.open,
      neighbour: this.init.isNeighbour(peer)
    }
  }
}

function hostOf(address: Multiaddr): string {
  try {
    return isNetworkAddress(address) ? getNetConfig(address).host : address.toString()
  } catch (thrown) {
    return messageOf(thrown)
  }
}
