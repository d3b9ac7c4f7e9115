import type { ClassDefinition, UpgradeDefinition } from '@instar/simulator-runtime'
import type { CheckFailure, Specification } from '@instar/simulator-runtime/check'

type Kind = CheckFailure['kind']

/** An upgrade as its author would check it. */
export interface Checked {
  readonly versions: readonly [ClassDefinition, ...UpgradeDefinition[]]
  readonly specifications: readonly Specification[]
}

/** A wrong upgrade beside the same one without its mistake. */
export interface Mistake {
  /** What is planted. */
  readonly planted: string
  /** What the checker says of it: the kind of the flaw (one of these, where chance decides what shows first), and what its transcript names. */
  readonly found: { readonly kind: Kind | readonly Kind[]; readonly naming: RegExp }
  readonly wrong: Checked
  readonly corrected: Checked
}
