import { createHash } from 'node:crypto'
import { gossipsub, StrictNoSign, type GossipSub, type GossipSubComponents } from '@chainsafe/libp2p-gossipsub'
import { createTopicScoreParams } from '@chainsafe/libp2p-gossipsub/score'
import { connectionParts } from '@instar/rpc'
import { identify } from '@libp2p/identify'
import type { ConnectionGater, Libp2p, PrivateKey } from '@libp2p/interface'
import { ping } from '@libp2p/ping'
import { createLibp2p } from 'libp2p'
import { connectionLimits, gossipLimits } from './limits.js'
import { pacedRegistrar } from './paced-streams.js'

export interface NodeInit {
  readonly identity: PrivateKey
  readonly listen: readonly string[]
  readonly topics: readonly string[]
  readonly sameHost: boolean
  readonly connectionMonitor: boolean
  readonly connectionGater: ConnectionGater
  readonly connections?: Pick<typeof connectionLimits, 'openMax' | 'pendingMax' | 'handshakeMs' | 'sameHost'>
  readonly now?: () => number
}

export type Node = Libp2p<{ pubsub: GossipSub }>

/** Whoever has sent this many messages that are wrong under every trust state is not listened to for a while. */
const scoreThresholds = { gossipThreshold: -100, publishThreshold: -200, graylistThreshold: -300 }

const topicScore = createTopicScoreParams({
  topicWeight: 1,
  timeInMeshWeight: 0.01,
  timeInMeshQuantum: 1000,
  timeInMeshCap: 100,
  firstMessageDeliveriesWeight: 0.1,
  firstMessageDeliveriesDecay: 0.9,
  firstMessageDeliveriesCap: 50,
  // Topics are silent for hours: a neighbour that delivers nothing has done nothing wrong.
  meshMessageDeliveriesWeight: 0,
  meshFailurePenaltyWeight: 0,
  // Squared: 4 rejects stop gossip with a peer, 6 everything from it, until they decay.
  invalidMessageDeliveriesWeight: -10,
  invalidMessageDeliveriesDecay: 0.98
})

/** Many more than places: who goes when there are too many connections is decided by `Door`, not by who comes last. */
const spareConnections = 64

/** Two topics; what stands in one message of gossipsub about them, its own lists of message ids apart. */
const decodeRpcLimits = {
  maxSubscriptions: 64,
  maxMessages: 5000,
  maxIhaveMessageIDs: 5000,
  maxIwantMessageIDs: 5000,
  maxIdontwantMessageIDs: 512,
  maxControlMessages: 512,
  maxPeerInfos: 16
}

/** The libp2p node of a peer, not started. */
export async function createNode(init: NodeInit): Promise<Node> {
  const { openMax, pendingMax, handshakeMs, sameHost } = init.connections ?? connectionLimits
  const now = init.now ?? Date.now
  return createLibp2p({
    start: false,
    privateKey: init.identity,
    nodeInfo: { name: 'instar', version: '1' },
    addresses: { listen: [...init.listen] },
    ...connectionParts(),
    connectionGater: init.connectionGater,
    connectionMonitor: { enabled: init.connectionMonitor },
    connectionManager: {
      maxConnections: openMax + spareConnections,
      maxIncomingPendingConnections: init.sameHost ? sameHost.pendingMax : pendingMax,
      inboundUpgradeTimeout: handshakeMs,
      // The gater counts by host, and says what it refused.
      inboundConnectionThreshold: 10_000
    },
    services: {
      identify: identify(),
      ping: ping(),
      pubsub: pacedGossipsub(init, now)
    }
  })
}

/** gossipsub with bounded input: see {@link pacedRegistrar}. */
function pacedGossipsub(init: NodeInit, now: () => number): (components: GossipSubComponents) => GossipSub {
  const create = gossipsub({
    // What is gossiped proves itself: TUF documents and signed envelopes. A second signature by the sender would only
    // give equal content unequal ids.
    globalSignaturePolicy: StrictNoSign,
    msgIdFn: message => messageId(message.topic, message.data),
    fastMsgIdFn: message => Buffer.from(messageId(message.topic, message.data)).toString('latin1'),
    allowedTopics: [...init.topics],
    maxTopicBytesPerPeer: 64 * 1024,
    maxInboundDataLength: gossipLimits.rpcBytesMax,
    maxOutboundBufferSize: gossipLimits.unsentBytesMax,
    decodeRpcLimits,
    floodPublish: false,
    fallbackToFloodsub: false,
    allowPublishToZeroTopicPeers: true,
    ignoreDuplicatePublishError: true,
    scoreThresholds,
    scoreParams: {
      topics: Object.fromEntries(init.topics.map(topic => [topic, topicScore])),
      ...(init.sameHost ? { IPColocationFactorWeight: 0 } : {})
    }
  })
  return ({ privateKey, peerId, peerStore, registrar, connectionManager, logger }) =>
    create({
      privateKey,
      peerId,
      peerStore,
      registrar: pacedRegistrar(registrar, now),
      connectionManager,
      logger
    })
}

function messageId(topic: string, data: Uint8Array | undefined): Uint8Array {
  return createHash('sha256')
    .update(topic)
    .update('\0')
    .update(data ?? new Uint8Array())
    .digest()
}
