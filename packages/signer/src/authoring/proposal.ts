import type { JsonObject } from '../metadata/canonical.js'
import type { Signature } from '../metadata/document.js'
import type { AdmissionChange } from './kinds/admission.js'
import type { HaltChange } from './kinds/halt.js'
import type { RootChange } from './kinds/root.js'
import type { TargetsChange } from './kinds/targets.js'
import type { UpgradeChange } from './kinds/upgrade.js'

/** What each kind of proposal changes. */
export interface ProposalChanges {
  /** The network's next version. */
  readonly upgrade: UpgradeChange
  /** Who may halt and admit; without a change, renewal of the targets. */
  readonly targets: TargetsChange
  /** Who may sign for each role, and decisions on forks; without a change, renewal of the root. */
  readonly root: RootChange
  readonly halt: HaltChange
  readonly admission: AdmissionChange
}

/** What a proposal proposes: the next document of a role, or an upgrade. */
export type ProposalKind = keyof ProposalChanges

/**
 * The next document of one role on its way to the threshold, with all that its signers need to judge it (§5). The body follows from
 * what is trusted, the change and the frame (number, expiry) alone: each signer's tool builds it again and compares.
 */
export interface ProposalOf<Kind extends ProposalKind> {
  readonly format: 1
  readonly kind: Kind
  readonly network: string
  /** The document that it follows: its number, and the hash of its canonical body. Where nothing is trusted for the role: the number to count from, and the network id. */
  readonly base: Base
  readonly change: ProposalChanges[Kind]
  /** The `signed` part of the next document. */
  readonly body: JsonObject
  readonly signatures: readonly Signature[]
}

/** A document on its way to the signatures that it needs (§5), of any kind. */
export type Proposal = { readonly [Kind in ProposalKind]: ProposalOf<Kind> }[ProposalKind]

export interface Base {
  readonly version: number
  readonly hash: string
}
