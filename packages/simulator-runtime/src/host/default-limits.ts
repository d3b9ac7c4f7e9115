import type { HostRuntimeLimits } from './host-runtime.js'

export const defaultLimits: HostRuntimeLimits = {
  sessionsMax: 1000,
  sessionWindow: 256,
  keptAnswerBytesMax: 4096,
  commandsWaitingMax: 10_000,
  queriesMax: 10_000,
  simulationMsMax: 1000,
  remainingMsMax: 3_600_000
}
