import { messageOf } from '@instar/core'
import type { Connection, PeerId, PrivateKey, Stream } from '@libp2p/interface'
import { peerIdFromString } from '@libp2p/peer-id'
import { multiaddr } from '@multiformats/multiaddr'
import type { Logger } from 'pino'
import type { KnownPeer } from '../store/store.js'
import { AddressBook } from './address-book.js'
import { Door } from './door.js'
import { Gossip, type Topic, type TopicInit } from './gossip.js'
import { createNode, type Node } from './libp2p-node.js'
import { sendOffLimits, type connectionLimits } from './limits.js'
import { Neighbours } from './neighbours.js'
import { toListenError, unreachable } from './network-errors.js'
import { createRefusals, type Refusals } from './refusals.js'
import type { SentOffPeer } from './sent-off.js'
import { announcementTopicName, headTopicName } from './topics.js'

export interface OverlayInit {
  readonly identity: PrivateKey
  /** The network id; gossip topics carry it. */
  readonly network: string
  /** Multiaddrs to listen on; port 0 takes a free one. */
  readonly listen: readonly string[]
  /** Multiaddrs with `/p2p/<peer id>` that are dialled at start and again, with backoff, whenever neighbours are few. */
  readonly bootstrap: readonly string[]
  /** The protocol that tells peers of the network from clients: who speaks it is a neighbour. */
  readonly peerProtocol: string
  /** Many peers of this network share one IP: connection rate and co-location limits are lifted. Default: all of `listen` is loopback. */
  readonly sameHost?: boolean
  /** Pings every connection to find dead ones. Default true. */
  readonly connectionMonitor?: boolean
  /** Remembers peers across restarts. */
  readonly store?: {
    readKnownPeers(): Promise<readonly KnownPeer[]>
    writeKnownPeers(peers: readonly KnownPeer[]): Promise<void>
  }
  /** Where they differ from the defaults. */
  readonly connections?: Partial<typeof connectionLimits>
  /** Where what is refused is counted; default: its own. */
  readonly refusals?: Refusals
  readonly now?: () => number
  readonly random?: () => number
  readonly log: Logger
}

type StreamHandler = (stream: Stream, peer: string, connection: Connection) => void | Promise<void>

interface OverlayEvents {
  /** Any program has connected or left: a peer or a client. */
  connected: string
  disconnected: string
  /** A connected program speaks the peer protocol: it is a peer. */
  neighbour: string
}

/** The peer's place in the network: connections, streams by protocol, and gossip. Peers are named by their id as text. */
export interface Overlay {
  readonly peerId: string
  /** Where others reach this peer now, each with `/p2p/<peer id>`; empty before start. */
  addresses(): readonly string[]
  connected(): ReadonlySet<string>
  neighbours(): ReadonlySet<string>
  /** @throws InstarError PortInUse */
  start(): Promise<void>
  /** Never takes longer than a few seconds. */
  stop(): Promise<void>
  /** Connects and answers the peer's id. @throws InstarError Unreachable */
  connect(address: string, options?: { signal?: AbortSignal }): Promise<string>
  /** Opens a stream to a peer, dialling one of its known addresses where needed. @throws InstarError Unreachable */
  openStream(peer: string, protocol: string, options?: { signal?: AbortSignal }): Promise<Stream>
  /** Registers a protocol; before start. A handler that throws resets the stream. */
  handle(
    protocol: string,
    handler: StreamHandler,
    options?: { maxInboundStreams?: number; force?: true }
  ): Promise<void>
  /** Registers and subscribes one of the topics of `topics.ts`; before start. */
  topic(init: TopicInit): Topic
  /** Adds addresses heard from others to those that are dialled when neighbours are few. Bounded; nothing is believed but by dialling. */
  learn(peers: readonly KnownPeer[]): void
  /** A sample of peers that were met, with addresses, for handing on. */
  knownPeers(countMax: number): readonly KnownPeer[]
  /**
   * Closes the connections to a peer that broke a rule, and takes none with it for a while: ten minutes where nothing else is said, twice as
   * long each time.
   */
  ban(peer: string, reason: string, forMs?: number): void
  /** Peers that are kept away now, and why; the last first. */
  sentOff(): readonly SentOffPeer[]
  on(event: keyof OverlayEvents, listener: (peer: string) => void): () => void
}

const stopTimeoutMs = 5000
const dialTimeoutMs = 10_000
const saveEveryMs = 30_000

/** libp2p still looks at what it knows of a peer for a moment after it has left. */
const forgetAfterMs = 10_000

export async function createOverlay(init: OverlayInit): Promise<Overlay> {
  const now = init.now ?? Date.now
  const near = new Set<string>()
  const sameHost = init.sameHost ?? init.listen.every(address => /^\/(ip4\/127\.|ip6\/::1\/)/.test(address))
  const refusals = init.refusals ?? createRefusals({ log: init.log, now })
  const door = new Door({
    sameHost,
    ...(init.connections === undefined ? {} : { limits: init.connections }),
    isNeighbour: peer => near.has(peer),
    refusals,
    now
  })
  const node = await createNode({
    identity: init.identity,
    listen: init.listen,
    topics: [headTopicName(init.network), announcementTopicName(init.network)],
    sameHost,
    connectionMonitor: init.connectionMonitor ?? true,
    connectionGater: door.gater,
    connections: door.limits,
    now
  })
  return new Libp2pOverlay(init, node, door, near, refusals, now)
}

class Libp2pOverlay implements Overlay {
  readonly peerId: string
  private readonly book: AddressBook
  private readonly gossip: Gossip
  private readonly seeking: Neighbours
  private readonly listeners = new Map<keyof OverlayEvents, Set<(peer: string) => void>>()
  private saveTimer: NodeJS.Timeout | undefined

  constructor(
    private readonly init: OverlayInit,
    private readonly node: Node,
    private readonly door: Door,
    private readonly near: Set<string>,
    refusals: Refusals,
    now: () => number
  ) {
    this.peerId = node.peerId.toString()
    const random = init.random ?? Math.random
    this.book = new AddressBook(this.peerId, now, random)
    this.gossip = new Gossip({
      pubsub: node.services.pubsub,
      isStarted: () => node.status === 'started',
      refusals,
      onLiar: (peer, reason) => this.ban(peer, reason),
      now,
      log: init.log
    })
    this.seeking = new Neighbours({
      book: this.book,
      bootstrap: init.bootstrap,
      log: init.log,
      now,
      random,
      connected: () => this.connected(),
      neighbours: () => this.near,
      dial: async ({ addresses }) => {
        await node.dial(addresses.map(multiaddr), { signal: AbortSignal.timeout(dialTimeoutMs) })
      }
    })
  }

  addresses(): readonly string[] {
    return this.node.getMultiaddrs().map(String)
  }

  connected(): ReadonlySet<string> {
    return new Set(this.node.getPeers().map(String))
  }

  neighbours(): ReadonlySet<string> {
    return this.near
  }

  async start(): Promise<void> {
    this.book.hear((await this.init.store?.readKnownPeers()) ?? [])
    this.listen()
    await this.node.register(this.init.peerProtocol, {
      onConnect: peer => this.welcome(peer.toString()),
      onDisconnect: peer => void this.near.delete(peer.toString())
    })
    try {
      await this.node.start()
    } catch (thrown) {
      await this.stop()
      throw toListenError(this.init.listen, thrown)
    }
    this.gossip.subscribe()
    this.seeking.start()
    this.saveTimer = setInterval(() => void this.save(), saveEveryMs)
    this.init.log.info({ peer: this.peerId, addresses: this.addresses() }, 'listening')
  }

  async stop(): Promise<void> {
    this.seeking.stop()
    clearInterval(this.saveTimer)
    await this.save()
    let timer: NodeJS.Timeout | undefined
    const late = new Promise<'late'>(resolve => {
      timer = setTimeout(() => resolve('late'), stopTimeoutMs)
    })
    // libp2p waits for the other ends, which may be gone; the process must not.
    const outcome = await Promise.race([Promise.resolve(this.node.stop()), late])
    clearTimeout(timer)
    if (outcome === 'late') this.init.log.warn({ stopTimeoutMs }, 'the network did not stop in time, it is left behind')
  }

  async connect(address: string, { signal }: { signal?: AbortSignal } = {}): Promise<string> {
    try {
      const connection = await this.node.dial(multiaddr(address), { signal: boundedBy(signal) })
      return connection.remotePeer.toString()
    } catch (thrown) {
      throw unreachable(address, thrown)
    }
  }

  async openStream(peer: string, protocol: string, { signal }: { signal?: AbortSignal } = {}): Promise<Stream> {
    const bounded = boundedBy(signal)
    try {
      const id = peerIdFromString(peer)
      const addresses = this.book.addressesOf(peer)
      if (this.node.getConnections(id).length === 0 && addresses.length > 0)
        await this.node.dial(addresses.map(multiaddr), { signal: bounded })
      return await this.node.dialProtocol(id, protocol, { signal: bounded })
    } catch (thrown) {
      throw unreachable(`peer ${peer}`, thrown)
    }
  }

  async handle(
    protocol: string,
    handler: StreamHandler,
    options: { maxInboundStreams?: number; force?: true } = {}
  ): Promise<void> {
    await this.node.handle(
      protocol,
      async (stream, connection) => handler(stream, connection.remotePeer.toString(), connection),
      options
    )
  }

  topic(init: TopicInit): Topic {
    return this.gossip.topic(init)
  }

  learn(peers: readonly KnownPeer[]): void {
    if (this.book.hear(peers)) this.seeking.look()
  }

  knownPeers(countMax: number): readonly KnownPeer[] {
    return this.book.sample(countMax)
  }

  ban(peer: string, reason: string, forMs: number = sendOffLimits.liarMs): void {
    this.init.log.warn({ peer, reason }, 'disconnecting a peer that broke a rule')
    this.door.sendOff(peer, reason, forMs)
    this.node.hangUp(peerIdFromString(peer)).catch((thrown: unknown) => {
      this.init.log.debug({ peer, cause: messageOf(thrown) }, 'could not hang up')
    })
  }

  sentOff(): readonly SentOffPeer[] {
    return this.door.sentOff()
  }

  on(event: keyof OverlayEvents, listener: (peer: string) => void): () => void {
    const all = this.listeners.get(event) ?? new Set()
    this.listeners.set(event, all.add(listener))
    return () => all.delete(listener)
  }

  private listen(): void {
    this.node.addEventListener('connection:open', ({ detail }) => this.door.entered(detail))
    this.node.addEventListener('peer:connect', ({ detail }) => this.emit('connected', detail.toString()))
    this.node.addEventListener('peer:disconnect', ({ detail }) => {
      this.near.delete(detail.toString())
      this.emit('disconnected', detail.toString())
      this.forgetLater(detail)
      this.seeking.look()
    })
    this.node.addEventListener('peer:identify', ({ detail }) => {
      // Clients come and go and are no one's neighbours.
      if (!detail.protocols.includes(this.init.peerProtocol)) return
      this.book.meet(detail.peerId.toString(), detail.listenAddrs.map(String))
    })
  }

  /** libp2p keeps what it knows of everyone who was ever here; a flood of new identities would fill the memory. */
  private forgetLater(peer: PeerId): void {
    setTimeout(() => {
      if (this.node.status !== 'started' || this.node.getConnections(peer).length > 0) return
      this.node.peerStore.delete(peer).catch((thrown: unknown) => {
        this.init.log.debug({ peer: peer.toString(), cause: messageOf(thrown) }, 'could not forget a peer')
      })
    }, forgetAfterMs).unref()
  }

  private welcome(peer: string): void {
    if (this.near.has(peer)) return
    this.near.add(peer)
    this.book.reached(peer)
    this.emit('neighbour', peer)
  }

  private emit(event: keyof OverlayEvents, peer: string): void {
    for (const listener of this.listeners.get(event) ?? []) listener(peer)
  }

  private async save(): Promise<void> {
    try {
      await this.init.store?.writeKnownPeers(this.book.all())
    } catch (thrown) {
      // Addresses are a convenience: the peer goes on without remembering them.
      this.init.log.warn({ cause: messageOf(thrown) }, 'could not remember the addresses of peers')
    }
  }
}

function boundedBy(signal: AbortSignal | undefined): AbortSignal {
  const timeout = AbortSignal.timeout(dialTimeoutMs)
  return signal === undefined ? timeout : AbortSignal.any([signal, timeout])
}
