/** The `@instar/node/control` entry: what a program needs to talk to a running peer, without loading a peer. */
export { findControlSocket } from './control-socket.js'
export type {
  BundleState,
  CallAnswer,
  CallRequest,
  CarriedAnnouncement,
  CertificateAnswer,
  ContractRequest,
  DescribedContract,
  DocumentVerdict,
  Garbage,
  GarbageReport,
  HoldTarget,
  NeighbourHeads,
  PeerControl,
  RehearsalReport,
  Submission,
  TrustDocuments
} from './peer-control.js'
export type { PolicyRule, ShownRule } from '../policy/shown-policy.js'
export type { PolicyChange } from './schema/policy.js'
export type { ControlEvent, PeerEvent } from './schema/events.js'
export type {
  CallCounts,
  HostStatus,
  NeededVersion,
  NeighbourStatus,
  PeerStatus,
  TrustStatus,
  VersionStatus
} from './schema/status.js'
export type { FaultReason, GateName, GateReason, VersionReason, Why } from './schema/why.js'
export { auditTail, checkAudit } from '../audit/check-audit.js'
export type { AuditHead } from '../audit/audit-line.js'
export { readGenesisSeed, writeGenesisSeed, type GenesisSeed, type SeedBundle } from '../seed/genesis-seed.js'
export { bundleFolderOf, bundlesFolderOf } from '../store/data-paths.js'
export { instarVersion } from '../version.js'
