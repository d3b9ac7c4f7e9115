export { createNetwork, type CreatedNetwork, type NetworkInit } from './authoring/network.js'
export { refreshTimestamp, type Expiry, type OnlineKeys } from './authoring/online.js'
export {
  createProposal,
  describeProposal,
  encodeProposal,
  finishProposal,
  isComplete,
  parseProposal,
  rebaseProposal,
  signProposal,
  type FinishedProposal,
  type Proposal,
  type ProposalInit
} from './authoring/proposal.js'
export { createKeystore, loadKeystore, type KeyCounts, type Keystore, type StoredKey } from './keys/keystore.js'
export { openLedger, type Ledger, type SigningPromise } from './keys/ledger.js'
export type { PublicKey } from './keys/public-key.js'
export { createKeyPair, type KeyPair, type Signer } from './keys/signer.js'
export type { MetadataRole } from './metadata/document.js'
export { encodeTicket, parseTicket, type Ticket } from './ticket/ticket.js'
export { explainTrust } from './trust/explain.js'
export { documentsAhead, headsOf, isBehind, parseHeads, type Head, type Heads } from './trust/heads.js'
export {
  documentsOf,
  forksOf,
  freshUntilMs,
  missingDescriptors,
  restoreTrust,
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
