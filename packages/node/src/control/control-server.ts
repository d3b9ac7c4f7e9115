import { once } from 'node:events'
import { InstarError, messageOf } from '@instar/core'
import type { FastifyInstance } from 'fastify'
import { createControlApp, type ControlAppInit } from './control-app.js'
import { prepareControlSocket, removeControlSocket } from './control-socket.js'
import type { EventStream } from './event-stream.js'

/** How long answers that are under way may take to leave when the server stops. */
const flushMs = 1000

export interface ControlServerInit extends ControlAppInit {
  /** The caller holds its lock. */
  readonly dataDirectory: string
}

export interface ControlServer {
  /** Resolves when calls are answered. @throws InstarError `SocketInUse` */
  start: () => Promise<void>
  /** Ends event streams, lets answers that are under way go out for a second, and removes the socket. */
  stop: () => Promise<void>
  /** Where it listens; undefined before `start`. */
  readonly path: string | undefined
}

/**
 * HTTP and server-sent events on a unix socket that only this user may open: whoever may read the data directory may operate the peer,
 * no one else (there is no other authentication).
 */
export function createControlServer(init: ControlServerInit): ControlServer {
  const streams = new Set<EventStream>()
  const app = createControlApp(init, streams)
  let path: string | undefined

  return {
    get path() {
      return path
    },
    async start() {
      path = await prepareControlSocket(init.dataDirectory)
      await app.ready()
      await listen(app, path)
    },
    async stop() {
      for (const stream of streams) stream.end()
      if (app.server.listening) {
        const closed = once(app.server, 'close')
        app.server.close()
        app.server.closeIdleConnections()
        const cut = setTimeout(() => app.server.closeAllConnections(), flushMs)
        await closed
        clearTimeout(cut)
      }
      await app.close()
      await removeControlSocket(init.dataDirectory)
    }
  }
}

/** Binds by hand and not through fastify, because the mode of the socket must be right from its first moment. */
async function listen(app: FastifyInstance, path: string): Promise<void> {
  const listening = once(app.server, 'listening')
  const before = process.umask(0o177)
  try {
    app.server.listen(path)
  } finally {
    process.umask(before)
  }
  try {
    await listening
  } catch (cause) {
    throw new InstarError('SocketInUse', `The control socket ${path} cannot be opened: ${messageOf(cause)}.`, { cause })
  }
}
