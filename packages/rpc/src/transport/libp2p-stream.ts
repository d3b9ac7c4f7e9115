import type { Stream } from '@libp2p/interface'
import type { FrameTransport } from './frame-transport.js'

export function fromLibp2pStream(_stream: Stream): FrameTransport {
  throw new Error('not built yet')
}
