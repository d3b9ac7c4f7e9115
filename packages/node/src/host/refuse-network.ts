import { Socket as DatagramSocket } from 'node:dgram'
import { Server, Socket } from 'node:net'

/**
 * Makes this process's ways onto the network throw: connecting, listening and datagrams; what is built on them (HTTP, TLS, fetch) fails
 * with them. It keeps an honest module from talking during a rehearsal. It is a seat belt: hostile code can take it off.
 */
export function refuseNetwork(): void {
  const refuse = (): never => {
    throw new Error('there is no network during a rehearsal')
  }
  Socket.prototype.connect = refuse
  Server.prototype.listen = refuse
  const prototype = DatagramSocket.prototype as { bind: unknown; send: unknown; connect: unknown }
  prototype.bind = refuse
  prototype.send = refuse
  prototype.connect = refuse
}
