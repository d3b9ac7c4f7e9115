import { connectionLimits } from './limits.js'

/** One connection as far as its place is concerned. */
export interface Place {
  readonly id: string
  readonly peer: string
  /** The other end's address without its port. */
  readonly host: string
  readonly inbound: boolean
  readonly openedAtMs: number
  /** It speaks the protocol of peers. */
  readonly neighbour: boolean
}

export interface Leaver {
  readonly place: Place
  readonly reason: 'TooManyOfOnePeer' | 'TooManyConnections'
}

/**
 * Who has to go when there are more connections than places. A flood comes from few hosts and comes late, so the newest connection of the host that has most goes first; what this peer dialled
 * itself, and the neighbours that have been here longest, keep their places: an attacker can be neither after the fact. On one machine all are of one host, and who comes when all is full is
 * the one who goes.
 *
 * Linear in the connections, but for one sort.
 */
export function whoLeaves(
  places: readonly Place[],
  limits: Pick<typeof connectionLimits, 'openMax' | 'perPeerMax' | 'protectedMax'> = connectionLimits
): readonly Leaver[] {
  const byAge = [...places].sort((a, b) => a.openedAtMs - b.openedAtMs)
  const surplus = surplusOfPeers(byAge, limits.perPeerMax)
  const leavers: Leaver[] = [...surplus].map(place => ({ place, reason: 'TooManyOfOnePeer' }))
  const left = byAge.filter(place => !surplus.has(place))
  const stay = protectedOf(left, limits.protectedMax)
  const hosts = Map.groupBy(
    left.filter(place => !stay.has(place)),
    place => place.host
  )
  for (let count = left.length; count > limits.openMax && hosts.size > 0; count--) {
    const [host, ofHost] = largest(hosts)
    const place = ofHost.pop()
    if (ofHost.length === 0) hosts.delete(host)
    if (place !== undefined) leavers.push({ place, reason: 'TooManyConnections' })
  }
  return leavers
}

/** The oldest of a peer that has too many: those that may be dead without anybody knowing it. */
function surplusOfPeers(byAge: readonly Place[], perPeerMax: number): ReadonlySet<Place> {
  const surplus = new Set<Place>()
  for (const ofPeer of Map.groupBy(byAge, place => place.peer).values())
    for (const place of ofPeer.slice(0, Math.max(0, ofPeer.length - perPeerMax))) surplus.add(place)
  return surplus
}

function protectedOf(byAge: readonly Place[], protectedMax: number): ReadonlySet<Place> {
  const peers = new Set<string>()
  for (const { peer, inbound, neighbour } of byAge)
    if (inbound && neighbour && peers.size < protectedMax) peers.add(peer)
  return new Set(byAge.filter(place => !place.inbound || peers.has(place.peer)))
}

function largest(hosts: ReadonlyMap<string, Place[]>): [string, Place[]] {
  let most: [string, Place[]] = ['', []]
  for (const each of hosts) if (each[1].length > most[1].length) most = each
  return most
}

/** Handshakes under way, by host: who knocks at many doors at once waits outside. Ids are the connections' own objects. */
export class Handshakes {
  private readonly hosts = new Map<string, Set<object>>()

  constructor(private readonly perHostMax: number) {}

  /** False: this host has too many under way. */
  begin(host: string, connection: object): boolean {
    const ofHost = this.hosts.get(host) ?? new Set()
    if (ofHost.size >= this.perHostMax) return false
    this.hosts.set(host, ofHost.add(connection))
    return true
  }

  /** It is secured, or over. */
  end(host: string, connection: object): void {
    const ofHost = this.hosts.get(host)
    ofHost?.delete(connection)
    if (ofHost?.size === 0) this.hosts.delete(host)
  }

  get size(): number {
    let size = 0
    for (const ofHost of this.hosts.values()) size += ofHost.size
    return size
  }
}
