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
export type { CopiedState, CopyProgress } from './rehearse/copy-state.js'
export {
  createTransformRehearsal,
  type RehearsalRun,
  type TransformRehearsal,
  type TransformRehearsalInit
} from './rehearse/transform-rehearsal.js'
export { rest, restFactor } from './build/rest.js'
export { damagedState } from './open/database.js'
export { readManifest } from './open/level-log/current.js'
export { WholeTables, type TablesRead } from './open/level-table/whole-tables.js'
export { openWhole } from './open/open-whole.js'
export { readStateMeta } from './open/read-state-meta.js'
export { restoreState, type RestoreInit } from './open/restore-state.js'
