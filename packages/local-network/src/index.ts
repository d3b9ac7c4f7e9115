export { createLocalNetwork, type LocalNetwork, type LocalNetworkInit, type PublishInit } from './local-network.js'
export { createLocalPeer, type LocalPeer, type ProcessEnd, type StartOptions } from './local-peer.js'
export { runInstar, type Ran } from './run-instar.js'
export type { ControlEvent, PeerStatus } from '@instar/node/control'
