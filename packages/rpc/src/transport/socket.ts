import type { Socket } from 'node:net'
import type { FrameTransport } from './frame-transport.js'

/** A TCP or unix socket, connected. */
export function fromSocket(_socket: Socket): FrameTransport {
  throw new Error('not built yet')
}
