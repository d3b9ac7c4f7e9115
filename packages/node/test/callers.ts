// Peers that only call: rpc over real connections, with a host that answers what a test says.

import type { Routes } from '@instar/core'
import { connectionParts, type Hello } from '@instar/rpc'
import { peerIdFromString } from '@libp2p/peer-id'
import { createLibp2p, type Libp2p } from 'libp2p'
import type { HostCallHeader } from '../src/host/host-port.js'
import { createRpc, type Rpc, type RpcInit } from '../src/rpc/rpc.js'

export const network = 'ab'.repeat(32)
export const chainId = 'c'.repeat(16)

export interface Caller {
  readonly node: Libp2p
  readonly rpc: Rpc
  readonly id: string
  readonly seen: HostCallHeader[]
  readonly hellos: [peer: string, served: readonly number[] | undefined][]
  routes: Routes
}

const started: Caller[] = []

/** For afterEach. */
export async function stopCallers(): Promise<void> {
  for (const { rpc, node } of started.splice(0)) {
    await rpc.stop()
    await node.stop()
  }
}

/** Started, and known to all that were started before. */
export async function startCaller(init: Partial<RpcInit> & { network?: string } = {}): Promise<Caller> {
  const node = await createLibp2p({
    addresses: { listen: ['/ip4/127.0.0.1/tcp/0'] },
    ...connectionParts(),
    connectionMonitor: { enabled: false }
  })
  const id = node.peerId.toString()
  const seen: HostCallHeader[] = []
  const hellos: Caller['hellos'] = []
  const hello = (): Hello => ({
    format: { min: 1, max: 1 },
    network: init.network ?? network,
    role: 'peer',
    versions: [],
    instar: '0.0.0',
    ...(peer.routes.served && { served: [...peer.routes.served] })
  })
  const rpc = createRpc({
    overlay: {
      peerId: id,
      openStream: async (to, protocol) => node.dialProtocol(peerIdFromString(to), protocol),
      handle: (protocol, handler, options) =>
        node.handle(
          protocol,
          (stream, connection) => handler(stream, connection.remotePeer.toString(), connection),
          options
        )
    },
    hello,
    routes: () => peer.routes,
    host: {
      call: async (header, body) => {
        seen.push(header)
        return body
      }
    },
    onHello: (from, { served }) => void hellos.push([from, served]),
    now: () => performance.now(),
    log: { debug: () => undefined, info: () => undefined },
    ...init
  })
  const peer: Caller = {
    node,
    rpc,
    id,
    seen,
    hellos,
    routes: {
      entries: [{ version: 1, chainId, className: 'set', state: 'served', revision: 1 }],
      served: [1, 1],
      newest: 1
    }
  }
  await rpc.start()
  // All know all addresses, as the overlay would see to.
  for (const other of started) {
    await node.peerStore.merge(other.node.peerId, { multiaddrs: other.node.getMultiaddrs() })
    await other.node.peerStore.merge(node.peerId, { multiaddrs: node.getMultiaddrs() })
  }
  started.push(peer)
  return peer
}

/** A call of the method `insert`. */
export const call = (peer: string, args: Uint8Array = Buffer.from('x'), remainingMs = 5_000) => ({
  peer,
  className: 'set',
  version: 1,
  method: 'insert',
  args,
  remainingMs,
  hops: 1,
  trail: 'set.ask',
  signal: new AbortController().signal
})
