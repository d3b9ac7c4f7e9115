import type { HostRuntime, HostRuntimeInit } from './host-runtime.js'

/** Builds the runtime of one host process for one plan; nothing is read or written before `load` and `open`. */
export function createHostRuntime(_init: HostRuntimeInit): HostRuntime {
  throw new Error('being written')
}
