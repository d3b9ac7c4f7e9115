import type { Socket } from 'node:net'
import type { FrameTransport, TransportEvents } from './frame-transport.js'

/** A TCP or unix socket, connected, as a transport. */
export function fromSocket(socket: Socket): FrameTransport {
  let events: TransportEvents | undefined
  let failure: Error | undefined
  let ended = false

  function end(): void {
    if (ended) return
    ended = true
    events?.end(failure)
  }

  return {
    listen(listener) {
      events = listener
      socket.on('error', error => {
        failure = error
      })
      socket.on('drain', () => events?.drain())
      socket.on('end', end)
      socket.on('close', end)
      socket.on('data', chunk => events?.data(chunk as Uint8Array))
      if (socket.destroyed) queueMicrotask(end)
    },
    send(pieces) {
      if (socket.destroyed) return false
      if (pieces.length > 1) socket.cork()
      let room = true
      for (const piece of pieces) room = socket.write(piece)
      // All of them in one system call.
      if (pieces.length > 1) socket.uncork()
      return room
    },
    pause() {
      socket.pause()
    },
    resume() {
      socket.resume()
    },
    close() {
      return new Promise(resolve => {
        if (socket.destroyed) {
          resolve()
          return
        }
        socket.once('close', () => resolve())
        socket.end(() => {
          // Both directions end together: a channel has no use for half of a socket.
          socket.destroySoon()
        })
      })
    },
    abort(error) {
      failure = error
      socket.destroy()
      queueMicrotask(end)
    }
  }
}
