export { createControlServer, type ControlServer, type ControlServerInit } from './control/control-server.js'
