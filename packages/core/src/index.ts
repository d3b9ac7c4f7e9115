export {
  announcementBytesMax,
  certificateBytesMax,
  encodeAnnouncement,
  epochMax,
  parseAnnouncement,
  type Announcement,
  type AnnouncementContent,
  type VersionRef
} from './announcement/announcement.js'
export {
  bundleBytes,
  bundleBytesMax,
  bundleId,
  chunkBytes,
  encodeManifest,
  manifestBytesMax,
  parseManifest,
  type Manifest,
  type ManifestFile
} from './bundle/manifest.js'
export {
  CallError,
  callErrorCodes,
  isCallErrorCode,
  isRetryable,
  type CallErrorCode,
  type CallErrorDetail
} from './call/call-error.js'
export { extendTrail } from './call/call-trail.js'
export { crc32c } from './codec/crc32c.js'
export { fromHex, sha256Hex, toHex } from './codec/hash.js'
export { parseBoundedJson, toCanonicalJson, type Json, type JsonLimits } from './codec/json.js'
export {
  descriptorBytesMax,
  losesLengthMax,
  descriptorHash,
  encodeDescriptor,
  parseDescriptor,
  type ClassUpgrade,
  type Descriptor
} from './descriptor/descriptor.js'
export { durationWords } from './descriptor/duration-words.js'
export { flawOfHealth, healthPolicyOf, type Health, type HealthPolicy } from './descriptor/health.js'
export type { Schedule, Strategy } from './descriptor/schedule.js'
export type { Needs } from './descriptor/needs.js'
export { canRun } from './descriptor/runtime.js'
export { startOf, startsOf } from './descriptor/starts.js'
export { stateWords, upgradeWords, type UpgradeWords } from './descriptor/upgrade-words.js'
export {
  errorCodes,
  InstarError,
  invariant,
  InvariantViolation,
  messageOf,
  type ErrorCode,
  type ErrorDetail
} from './errors.js'
export type { PeerFacts, ScheduleDecision, ScheduleInputs } from './gates/schedule-inputs.js'
export {
  codeOfPlan,
  simulationModels,
  stateKinds,
  switchStages,
  transformKinds,
  type CodeRef,
  type HostLimits,
  type HostPlan,
  type KeptState,
  type ObjectPlan,
  type ReverseStep,
  type SimulationModel,
  type SimulationPlan,
  type StateKind,
  type StateMeta,
  type StateSpaces,
  type SwitchStage,
  type TransformKind,
  type UpgradeStep,
  type WayBack
} from './host-plan/host-plan.js'
export { canStand } from './host-plan/can-stand.js'
export {
  decodeJournal,
  encodeJournalRecord,
  journalRecordBytesMax,
  type JournalContents,
  type JournalRecord
} from './journal/record.js'
export {
  comparePhases,
  isIntroduced,
  isSwitching,
  isTrouble,
  occupiesLimit,
  phases,
  type Phase
} from './lifecycle/phase.js'
export { encodeTicket, parseTicket, type Ticket, type TicketInvitation } from './ticket/ticket.js'
export { accept, ignore, reject, type Verdict } from './verdict.js'
export { gatesOf } from './gates/all-gates.js'
export { gates, namePeers, type GateName, type GateState } from './gates/gate.js'
export { weekdays, type MaintenanceWindow } from './gates/maintenance-window.js'
export { overdueVersions, type Overdue } from './gates/overdue.js'
export { isJournalEntry, type JournalEntry, type OperatorWord } from './journal/entries.js'
export { floorOf } from './lifecycle/announce.js'
export { isAlone } from './lifecycle/join.js'
export { compactEntries } from './lifecycle/compact.js'
export { conflictAt, divergedAt } from './lifecycle/history.js'
export { blockOf, divergedWords, type Stop } from './lifecycle/stop.js'
export { defaultTiming, type PeerConfig, type Timing } from './lifecycle/config.js'
export { defaultPolicy, type LocalPolicy, type PolicyField, type PolicyOverrides } from './lifecycle/local-policy.js'
export { effectivePolicy } from './lifecycle/policy.js'
export { crashLoopOf, crashLoopWords, type CrashLoop } from './lifecycle/supervise.js'
export type { Effect } from './lifecycle/effect.js'
export type { CallFigures, CallerFigures, TrialWatch } from './lifecycle/health.js'
export type { Fact, FoundState, Input, Now, Outcome, ProbeOutcome, RehearsalOutcome } from './lifecycle/input.js'
export { introduceOverMsDefault } from './lifecycle/ramp.js'
export type { MachineFacts } from './lifecycle/machine.js'
export { needsBelow, type Need } from './lifecycle/retire.js'
export { routesOf, servedRange, type Route, type Routes } from './lifecycle/routes.js'
export { createPeerState, type Halt, type PeerState, type VersionProgress } from './lifecycle/state.js'
export { type Goal, type HostState, type SwitchPurpose } from './lifecycle/host-state.js'
export { nextVersion } from './lifecycle/goal.js'
export type { RehearsedState } from './lifecycle/rehearsed-state.js'
export { rehearsalPlan, type RehearsedPlans } from './lifecycle/rehearse-state.js'
export { step, type Step } from './lifecycle/step.js'
export { trialPolicy } from './lifecycle/trial-policy.js'
export { trialReport, type TrialReport } from './lifecycle/trial-report.js'
export { openAdmission, type Admission } from './roster/admission.js'
export {
  admittedPeers,
  byPeer,
  groupsOf,
  isAdmitted,
  isNewer,
  isReachable,
  phaseAt,
  strangeness,
  strangersMax,
  type Roster,
  type RosterEntry
} from './roster/roster.js'
export { differsFrom, peersAt } from './roster/same-history.js'
export { flawInHistory } from './version-log/flaw-in-history.js'
export {
  appendVersion,
  chainId,
  chainIdPrefix,
  chainIdPrefixLength,
  classAt,
  classesAt,
  entryOf,
  findLineage,
  supersederOf,
  upgradeAt,
  versionBefore,
  wayTo,
  type ClassAt,
  type Lineage,
  type VersionEntry,
  type VersionLog
} from './version-log/version-log.js'
export { whatStays, whyNotCleaned, type Staying } from './lifecycle/clean.js'
export type { OldState } from './lifecycle/old-state.js'
export { stayingStates, whyNotRestored } from './lifecycle/old-states.js'
