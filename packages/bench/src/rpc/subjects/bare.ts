import { fork } from 'node:child_process'
import type { Socket } from 'node:net'
import { connect } from '@instar/client'
import { createChannel, fromLibp2pStream, fromSocket, greet, rpcProtocol, type Hello } from '@instar/rpc'
import { bench } from '../../fixtures/contract.js'
import type { Echo } from '../driver/drive.js'
import { bareChannelLimits, bareDescriptor } from './bare-host-socket.js'
import { listenFor } from './libp2p-node.js'
import type { Target } from './target.js'

/**
 * The path of an Instar call without what versions add to it: the same client, a peer process and its host process, the same streams, socket and encoding of values. But the peer
 * passes every call on unread, and the host calls the method of that name on a plain object: no routes, no gate for switches, no chain of façades, no contract, no snapshot.
 */
const network = '0'.repeat(64)
const versionName = '0123456789abcdef'

export async function serveBare(): Promise<Target> {
  const child = fork(new URL('../server/bare-host.js', import.meta.url), {
    stdio: ['ignore', 'ignore', 'inherit', 'ipc', 'pipe']
  })
  const host = createChannel({
    transport: fromSocket(child.stdio[bareDescriptor] as Socket),
    limits: bareChannelLimits
  })
  const hello: Hello = {
    format: { min: 1, max: 1 },
    network,
    role: 'peer',
    class: bench.name,
    running: 1,
    served: [1, 1],
    versions: [[1, versionName]],
    instar: '0.0.0'
  }
  const address = await listenFor('instar', rpcProtocol, stream => {
    void greet({
      transport: fromLibp2pStream(stream),
      hello,
      onCall: (header, body, { cancellation }) => host.request(header, body, { signal: cancellation })
    })
  })
  return { kind: 'bare', address }
}

export async function connectBare(address: string): Promise<Echo> {
  const client = await connect({ network, addresses: [address] })
  const object = client.object(bench, address, { version: 1 })
  return bytes => object.echo(bytes)
}
