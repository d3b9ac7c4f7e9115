export { openAdmissionLedger, type AdmissionLedger, type Issued } from './admission/admission-ledger.js'
export { isRevoked, judgeCertificate, verifyCertificate, type Certificate } from './admission/certificate.js'
export { createInvitation, parseInvitation, type BearerInvitation, type Invitation } from './admission/invitation.js'
export {
  acceptInvitation,
  addSignature,
  issueCertificate,
  parseCertificate,
  signatureCount,
  type CertificateInit
} from './admission/issue.js'
export { certificateLifeMaxMs, type AdmissionTerms, type TermsInit } from './admission/terms.js'
export { admissionAgain, haltsAgain, targetsAgain } from './authoring/again.js'
export { defaultExpiry, type Expiry } from './authoring/bodies.js'
export { describeProposal } from './authoring/describe.js'
export { finishProposals, type FinishedProposals } from './authoring/finish.js'
export { nextGroup, type AdmissionChange } from './authoring/kinds/admission.js'
export { orderFor, type HaltChange, type HaltInit } from './authoring/kinds/halt.js'
export type { RoleChange } from './authoring/kinds/role-change.js'
export type { RootChange } from './authoring/kinds/root.js'
export type { TargetsChange } from './authoring/kinds/targets.js'
export { nextPlace, type NextPlace, type UpgradeChange } from './authoring/kinds/upgrade.js'
export { createNetwork, type CreatedNetwork, type NetworkInit } from './authoring/network.js'
export { refreshTimestamp, type OnlineKeys } from './authoring/online.js'
export { renewalDue, type RenewalDue } from './authoring/renewal-due.js'
export { encodeProposal, parseProposal } from './authoring/proposal-file.js'
export type { Proposal, ProposalChanges, ProposalKind, ProposalOf } from './authoring/proposal.js'
export { numberOf, propose, rebaseProposal, type ProposeInit } from './authoring/propose.js'
export { signProposal, type SignInit } from './authoring/sign.js'
export { isComplete, quorumsOf, signersOf, type Quorum } from './authoring/signatures.js'
export type { KeyProtection, StoredKey } from './keys/key-file.js'
export {
  addKeys,
  createKeystore,
  loadKeystore,
  type KeyCounts,
  type Keystore,
  type KeystoreOptions,
  type NewKey,
  type NewProtection
} from './keys/keystore.js'
export { openLedger, type Ledger, type SigningPromise } from './keys/ledger.js'
export { encodeExportedKey, parseExportedKey, type ExportedKey } from './keys/exported-key.js'
export { readPassphraseFile } from './keys/passphrase-file.js'
export { assertPrivate } from './keys/private-file.js'
export { importPublicKey, schemes, type PublicKey, type Scheme } from './keys/public-key.js'
export { createKeyPair, importKeyPair, type KeyPair, type Signer } from './keys/signer.js'
export { assertUsablePassphrase, type PassphraseQuestion, type PassphraseSource } from './keys/unlocking.js'
export type { AdmissionMetadata, AdmissionPolicy, GroupConfiguration } from './metadata/admission.js'
export { metadataRoles, type MetadataRole } from './metadata/document.js'
export type { HaltOrder } from './metadata/halt.js'
export type { Decision } from './metadata/root.js'
export {
  RepositoryClient,
  type FoundTarget,
  type RefreshedRepository,
  type RepositoryClientInit,
  type RepositoryFetcher,
  type RepositoryStore
} from './repository/client.js'
export { repositoryOf, type RepositoryFiles } from './repository/exported.js'
export { admissionOf, sameAdmission } from './trust/admission.js'
export { explainTrust } from './trust/explain.js'
export { decisionsOf, forksOf, type ForkEvidence, type ForkSide } from './trust/forks.js'
export { haltsOf } from './trust/halts.js'
export { documentsAhead, headsOf, isBehind, parseHeads, type Head, type Heads } from './trust/heads.js'
export { authorizedKeys, keyOf, thresholdOf } from './trust/holders.js'
export { documentsOf, restoreTrust, type TrustedDocument } from './trust/documents.js'
export {
  expiredRoles,
  freshUntilMs,
  missingDescriptors,
  trustedUpgrades,
  type TrustedUpgrade
} from './trust/reading.js'
export {
  emptyTrust,
  type DocumentInfo,
  type DocumentRole,
  type Fork,
  type NamedUpgrade,
  type TrustFact,
  type TrustState
} from './trust/state.js'
export { trust, type TrustResult } from './trust/trust.js'
