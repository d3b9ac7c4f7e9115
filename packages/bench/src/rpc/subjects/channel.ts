import { createChannel, fromLibp2pStream } from '@instar/rpc'
import type { Echo } from '../driver/drive.js'
import { listenFor, openStream } from './libp2p-node.js'
import type { Target } from './target.js'

/** @instar/rpc's frames, headers and channel between two processes, with nothing behind them. */
const protocol = '/bench/channel/1'
const header = { version: 1, className: 'Bench', method: 'echo', seq: 0, doneBelow: 0, remainingMs: 10_000 }

export async function serveChannel(): Promise<Target> {
  const address = await listenFor('instar', protocol, stream => {
    createChannel({ transport: fromLibp2pStream(stream), onCall: (_header, body) => Promise.resolve(body) })
  })
  return { kind: 'channel', address }
}

export async function connectChannel(address: string): Promise<Echo> {
  const stream = await openStream('instar', address, protocol)
  const channel = createChannel({ transport: fromLibp2pStream(stream) })
  return bytes => channel.request(header, bytes)
}
