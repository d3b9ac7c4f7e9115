import type { Connection, Stream, StreamHandler } from '@libp2p/interface'
import type { GossipSubComponents } from '@chainsafe/libp2p-gossipsub'
import { gossipLimits } from './limits.js'
import { TokenBuckets } from './token-bucket.js'

/** A window, whatever became of limiting it. */
const readBufferBytes = 5 * 1024 * 1024

type Registrar = GossipSubComponents['registrar']

/**
 * A registrar for a service that reads its streams without backpressure, as gossipsub does: each peer's incoming streams together are read at a bounded pace. Beyond it the stream is paused, its
 * window fills and the sender waits, so that nothing is lost. Dropping messages instead would let a flooder send honest ones first and make them known and unread.
 */
export function pacedRegistrar(registrar: Registrar, now: () => number): Registrar {
  const { bytesPerSecond, bytesAtOnce } = gossipLimits
  const read = new TokenBuckets({ perSecond: bytesPerSecond, atOnce: bytesAtOnce, now })
  const paced = Object.create(registrar) as Registrar
  paced.handle = (protocol, handler, options) =>
    registrar.handle(
      protocol,
      pacedBy(handler, (peer, bytes) => read.spend(peer, bytes)),
      options
    )
  return paced
}

function pacedBy(handler: StreamHandler, waitMsAfter: (peer: string, bytes: number) => number): StreamHandler {
  return async (stream: Stream, connection: Connection) => {
    const peer = connection.remotePeer.toString()
    limitWindow(stream)
    await handler(stream, connection)
    // The handler begins to read in a later turn, and the first listener gets what has come already: it must be the handler's.
    setImmediate(() => {
      stream.addEventListener('message', ({ data }) => {
        const waitMs = waitMsAfter(peer, data.byteLength)
        if (waitMs > 0 && stream.readStatus === 'readable') pauseFor(stream, waitMs)
      })
    })
  }
}

/** What one neighbour can make us hold while it waits. Yamux says it of no stream but of itself; where it is not found, the muxer's own window holds. */
function limitWindow(stream: Stream & { maxStreamWindowSize?: number }): void {
  if (typeof stream.maxStreamWindowSize === 'number')
    stream.maxStreamWindowSize = Math.min(stream.maxStreamWindowSize, gossipLimits.windowBytesMax)
}

function pauseFor(stream: Stream, waitMs: number): void {
  // The sender may use up the window that it was given before.
  stream.maxReadBufferLength = Math.max(stream.maxReadBufferLength, readBufferBytes)
  stream.pause()
  setTimeout(() => {
    if (stream.readStatus === 'paused') stream.resume()
  }, waitMs).unref()
}
