export type { CallOptions, Client, DescribeOptions, KnownPeer, ObjectOptions, UntypedCall } from './client.js'
export { connect, type ClientLog, type ClientTimeouts, type ConnectOptions } from './connect.js'
export type { Dialler } from './dialler.js'
export type { ServedContract, ServedMethod } from '@instar/simulator-runtime/codec'
