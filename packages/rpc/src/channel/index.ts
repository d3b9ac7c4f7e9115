// What a process needs that talks over a socket of its own and to no network: the parts of libp2p are not loaded.
export type { CallHandler } from './call-handler.js'
export { createChannel, type Channel } from './channel.js'
export { fromSocket } from '../transport/socket.js'
