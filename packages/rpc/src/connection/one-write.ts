import { Socket } from 'node:net'
import type { MessageStream } from '@libp2p/interface'

/**
 * Lets the connection hand each message to the system at once. Noise sends a packet as a list of its length, its bytes and its tag, and the TCP transport writes each item of a list by
 * itself: three to five system calls, segments and wake-ups of the other end. What is small is put together; what is large is left where it is and gathered by the system.
 */
export function inOneWrite(connection: MessageStream): MessageStream {
  const send = connection.send.bind(connection)
  const socket = socketOf(connection)
  connection.send = data => {
    if (data instanceof Uint8Array) return send(data)
    if (socket === undefined || data.byteLength < gatheredBytesMin) return send(data.subarray())
    socket.cork()
    try {
      return send(data)
    } finally {
      socket.uncork()
    }
  }
  return connection
}

/** Below it a copy costs less than a list of buffers. */
const gatheredBytesMin = 16 * 1024

/** That of a TCP connection. It is no part of libp2p's interface, so what has none is sent in one piece. */
function socketOf(connection: MessageStream): Socket | undefined {
  const { socket } = connection as { readonly socket?: unknown }
  return socket instanceof Socket ? socket : undefined
}
