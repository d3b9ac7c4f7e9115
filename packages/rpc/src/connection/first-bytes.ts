import type { Stream, StreamMuxer } from '@libp2p/interface'
import { connectionLimits } from './limits.js'

interface Inner extends StreamMuxer {
  /** The other end has opened a stream. */
  onRemoteStream?: (stream: InnerStream) => void
}

interface InnerStream extends Stream {
  onData?: (data: { readonly byteLength: number }) => void
}

/**
 * Bounds what a stream may bring before it has named its protocol, and on libp2p's own small protocols. Whatever reads those keeps up to 4 MiB for each stream, which over all streams of all
 * connections is more than a machine has. Neither method is part of libp2p's interface: where one is not found, everything stays as it is, and a test fails.
 */
export function boundFirstBytes<T extends StreamMuxer>(muxer: T): T {
  const inner: Inner = muxer
  const open = inner.onRemoteStream?.bind(inner)
  if (open === undefined) return muxer
  inner.onRemoteStream = stream => {
    bound(stream)
    open(stream)
  }
  return muxer
}

function bound(stream: InnerStream): void {
  const take = stream.onData?.bind(stream)
  if (take === undefined) return
  let bytes = 0
  stream.onData = data => {
    if (stream.protocol === '' || stream.protocol.startsWith('/ipfs/')) {
      bytes += data.byteLength
      if (bytes > connectionLimits.firstBytesMax) {
        stream.abort(
          new Error(`more than ${connectionLimits.firstBytesMax} bytes for ${stream.protocol || 'no protocol'}`)
        )
        return
      }
    }
    take(data)
  }
}
