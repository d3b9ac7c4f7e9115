export { createControlServer, type ControlServer, type ControlServerInit } from './control/control-server.js'
export { createPeer, type Peer } from './peer/peer.js'
export type { PeerOptions } from './peer/options.js'
export { instarVersion } from './version.js'
