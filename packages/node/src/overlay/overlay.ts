import type { Connection, PrivateKey, Stream } from '@libp2p/interface'
import type { Verdict } from '@instar/core'
import type { Logger } from 'pino'
import type { KnownPeer } from '../store/store.js'

export interface OverlayInit {
  readonly identity: PrivateKey
  /** The network id; gossip topics carry it. */
  readonly network: string
  /** Multiaddrs to listen on; port 0 takes a free one. */
  readonly listen: readonly string[]
  /** Multiaddrs with `/p2p/<peer id>` that are dialled at start and again, with backoff, whenever connections are few. */
  readonly bootstrap: readonly string[]
  /** Many peers of this network share one IP: connection rate and co-location limits are lifted. Default: all of `listen` is loopback. */
  readonly sameHost?: boolean
  /** Remembers peers across restarts. */
  readonly knownPeers?: {
    readKnownPeers(): Promise<readonly KnownPeer[]>
    writeKnownPeers(peers: readonly KnownPeer[]): Promise<void>
  }
  readonly log: Logger
}

export type StreamHandler = (stream: Stream, peer: string, connection: Connection) => void | Promise<void>

/** What a topic does with a message before it is relayed; `value` reaches `deliver`. */
export interface TopicInit<T> {
  readonly topic: string
  readonly bytesMax: number
  validate(data: Uint8Array, from: string): Promise<Verdict<T>>
  deliver?(value: T, from: string): void
}

export interface Topic {
  /** Resolves with the number of neighbours that it was handed to; 0 is no error, sync carries what gossip could not. */
  publish(data: Uint8Array): Promise<number>
  /** Peers that are connected and follow the topic. */
  subscribers(): readonly string[]
}

export interface OverlayEvents {
  connected: string
  disconnected: string
}

/** The peer's place in the network: connections, streams by protocol, and gossip. Peers are named by their id as text. */
export interface Overlay {
  readonly peerId: string
  /** Where others reach this peer now, each with `/p2p/<peer id>`. */
  addresses(): readonly string[]
  peers(): readonly string[]
  /** @throws InstarError PortInUse */
  start(): Promise<void>
  /** Never takes longer than a few seconds. */
  stop(): Promise<void>
  /** Connects and answers the peer's id. @throws InstarError Unreachable */
  connect(address: string, options?: { signal?: AbortSignal }): Promise<string>
  /** Opens a stream to a peer, dialling one of its known addresses where needed. @throws InstarError Unreachable */
  openStream(peer: string, protocol: string, options?: { signal?: AbortSignal }): Promise<Stream>
  /** Registers a protocol; may be called before start. */
  handle(protocol: string, handler: StreamHandler, options?: { maxInboundStreams?: number }): void
  /** Registers and subscribes a topic; before start. */
  topic<T>(init: TopicInit<T>): Topic
  /** Adds addresses heard from others to those that are dialled when connections are few. Bounded; nothing is believed but by dialling. */
  learn(peers: readonly KnownPeer[]): void
  /** A sample of known peers with addresses, for handing on. */
  knownPeers(countMax: number): readonly KnownPeer[]
  /** Closes the connections to a peer that broke a rule, and takes none with it for a while. */
  ban(peer: string, reason: string): void
  on<K extends keyof OverlayEvents>(event: K, listener: (peer: OverlayEvents[K]) => void): () => void
}

export async function createOverlay(_init: OverlayInit): Promise<Overlay> {
  throw new Error('not built yet')
}
