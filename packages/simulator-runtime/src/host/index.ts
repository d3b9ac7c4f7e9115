export type {
  BuildProgress,
  CallRequest,
  FacadeDescription,
  HostLog,
  HostRuntime,
  HostRuntimeInit,
  HostRuntimeLimits,
  HostStats,
  OutboxStats,
  OutgoingCall,
  SimulationFailed,
  StateProgress,
  TakenOver
} from './host-runtime.js'
export { createHostRuntime } from './create-host-runtime.js'
export { readStateMeta } from './open/read-state-meta.js'
