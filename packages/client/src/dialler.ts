import { InstarError, messageOf } from '@instar/core'
import { connectionParts, fromLibp2pStream, rpcProtocol, type FrameTransport } from '@instar/rpc'
import type { PrivateKey } from '@libp2p/interface'
import { multiaddr } from '@multiformats/multiaddr'
import { createLibp2p } from 'libp2p'

/** Opens streams to peers; the only part of the client that knows libp2p. */
export interface Dialler {
  readonly peerId: string
  /** @throws InstarError Unreachable */
  open(addresses: readonly string[], signal: AbortSignal): Promise<{ peer: string; transport: FrameTransport }>
  /** Closes every connection. */
  stop(): Promise<void>
}

/** A libp2p node that listens nowhere: TCP, Noise, Yamux. */
export async function createDialler(identity: PrivateKey | undefined): Promise<Dialler> {
  const node = await createLibp2p({
    ...(identity && { privateKey: identity }),
    ...connectionParts(),
    // Who is reached is decided here and kept alive by the channel.
    connectionManager: { reconnectRetries: 0 },
    connectionMonitor: { enabled: false }
  })
  return {
    peerId: node.peerId.toString(),
    async open(addresses, signal) {
      try {
        const connection = await node.dial(
          addresses.map(address => multiaddr(address)),
          { signal }
        )
        const stream = await connection.newStream(rpcProtocol, { signal })
        return { peer: connection.remotePeer.toString(), transport: fromLibp2pStream(stream) }
      } catch (thrown) {
        throw new InstarError('Unreachable', `no connection to ${addresses.join(', ')}: ${messageOf(thrown)}`, {
          cause: thrown
        })
      }
    },
    async stop() {
      await Promise.race([node.stop(), new Promise(resolve => setTimeout(resolve, stopTimeoutMs).unref())])
    }
  }
}

const stopTimeoutMs = 2_000
