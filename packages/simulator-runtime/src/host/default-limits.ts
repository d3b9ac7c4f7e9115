import type { HostRuntimeLimits } from './host-runtime.js'

export const defaultLimits: HostRuntimeLimits = {
  lockedMsMax: 10_000,
  sessionsMax: 1000,
  sessionWindow: 256,
  keptAnswerBytesMax: 4096,
  commandsWaitingMax: 10_000,
  queriesMax: 10_000,
  flowsMax: 1000,
  simulationMsMax: 1000,
  futureCommandMsMax: 5000,
  buildSliceMs: 5,
  buildLastRoundMax: 64,
  remainingMsMax: 3_600_000,
  cacheEntriesMax: 1000,
  cacheBytesMax: 16 * 1024 * 1024,
  outboxCallsMax: 10_000,
  outboxCallsPerPeerMax: 1000,
  outboxBytesMax: 64 * 1024 * 1024,
  outboxAgeMsMax: 24 * 3_600_000,
  outboxAttemptsMin: 5,
  outboxAttemptMs: 30_000,
  outboxRetryMsMin: 100,
  outboxRetryMsMax: 30_000
}
