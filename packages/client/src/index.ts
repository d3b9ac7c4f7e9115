export type { CallOptions, Client, KnownPeer, ObjectOptions, UntypedCall } from './client.js'
export { connect, type ClientLog, type ClientTimeouts, type ConnectOptions } from './connect.js'
export type { Dialler } from './dialler.js'
