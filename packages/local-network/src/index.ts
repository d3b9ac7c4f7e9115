export { createLocalNetwork, type LocalNetwork, type LocalNetworkInit, type PublishInit } from './local-network.js'
export type { LocalPeer, StartOptions } from './local-peer.js'
export { runInstar, type Ran } from './run-instar.js'
