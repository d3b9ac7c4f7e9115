import type { JsonObject } from '../../metadata/canonical.js'
import type { TrustState } from '../../trust/state.js'
import type { ProposalChanges } from '../proposal.js'
import type { BodyRules } from '../register.js'
import { admissionProposalWords } from '../words/admission.js'
import { haltProposalWords } from '../words/halt.js'
import { rootProposalWords } from '../words/root.js'
import { targetsProposalWords } from '../words/targets.js'
import { upgradeProposalWords } from '../words/upgrade.js'
import { admissionKind } from './admission.js'
import { haltKind } from './halt.js'
import { rootKind } from './root.js'
import { targetsKind } from './targets.js'
import { upgradeKind } from './upgrade.js'

type Kinds = {
  readonly [Kind in keyof ProposalChanges]: BodyRules<ProposalChanges[Kind]> & {
    /** What changes, one line each, for whoever signs it. */
    readonly words: (trusted: TrustState, change: ProposalChanges[Kind], body: JsonObject) => readonly string[]
  }
}

/** Every kind of proposal: how it is read, becomes a body, and is shown. */
export const kinds: Kinds = {
  upgrade: { ...upgradeKind, words: upgradeProposalWords },
  targets: { ...targetsKind, words: targetsProposalWords },
  root: { ...rootKind, words: rootProposalWords },
  halt: { ...haltKind, words: haltProposalWords },
  admission: { ...admissionKind, words: admissionProposalWords }
}
