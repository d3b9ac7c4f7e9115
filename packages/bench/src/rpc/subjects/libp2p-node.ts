import { noise } from '@chainsafe/libp2p-noise'
import { yamux } from '@chainsafe/libp2p-yamux'
import { connectionParts } from '@instar/rpc'
import type { Stream } from '@libp2p/interface'
import { tcp } from '@libp2p/tcp'
import { multiaddr } from '@multiformats/multiaddr'
import { createLibp2p } from 'libp2p'

/** What a connection is made of: `plain` as libp2p has it, `instar` as Instar's peers and clients make it. */
export type Parts = 'plain' | 'instar'

const plainParts = () => ({ transports: [tcp()], connectionEncrypters: [noise()], streamMuxers: [yamux()] })

function createNode(parts: Parts, listen: readonly string[]) {
  return createLibp2p({
    addresses: { listen: [...listen] },
    ...(parts === 'plain' ? plainParts() : connectionParts()),
    connectionMonitor: { enabled: false }
  })
}

/** Hands every stream of the protocol on. @returns the address to dial */
export async function listenFor(parts: Parts, protocol: string, onStream: (stream: Stream) => void): Promise<string> {
  const node = await createNode(parts, ['/ip4/127.0.0.1/tcp/0'])
  await node.handle(protocol, onStream)
  const [address] = node.getMultiaddrs()
  if (address === undefined) throw new Error('libp2p listens nowhere')
  return address.toString()
}

export async function openStream(parts: Parts, address: string, protocol: string): Promise<Stream> {
  const node = await createNode(parts, [])
  const connection = await node.dial(multiaddr(address))
  return connection.newStream(protocol)
}
