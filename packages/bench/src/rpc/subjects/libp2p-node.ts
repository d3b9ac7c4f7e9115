import { noise } from '@chainsafe/libp2p-noise'
import { yamux } from '@chainsafe/libp2p-yamux'
import type { Stream } from '@libp2p/interface'
import { tcp } from '@libp2p/tcp'
import { multiaddr } from '@multiformats/multiaddr'
import { createLibp2p } from 'libp2p'

/** A bare node with what Instar's peers and clients use: TCP, Noise, Yamux. */
function createNode(listen: readonly string[]) {
  return createLibp2p({
    addresses: { listen: [...listen] },
    transports: [tcp()],
    connectionEncrypters: [noise()],
    streamMuxers: [yamux()],
    connectionMonitor: { enabled: false }
  })
}

/** Hands every stream of the protocol on. @returns the address to dial */
export async function listenFor(protocol: string, onStream: (stream: Stream) => void): Promise<string> {
  const node = await createNode(['/ip4/127.0.0.1/tcp/0'])
  await node.handle(protocol, onStream)
  const [address] = node.getMultiaddrs()
  if (address === undefined) throw new Error('libp2p listens nowhere')
  return address.toString()
}

export async function openStream(address: string, protocol: string): Promise<Stream> {
  const node = await createNode([])
  const connection = await node.dial(multiaddr(address))
  return connection.newStream(protocol)
}
