import type { CodeRef, HostPlan, InstarError } from '@instar/core'

/** What to try (§2): the plan that would be introduced. Its state is an empty one in a temporary folder. */
export interface RehearsalInit {
  readonly plan: HostPlan
  readonly modulePath: (ref: CodeRef) => string | Promise<string>
  readonly network: string
}

export type RehearsalResult =
  | { readonly ok: true; readonly elapsedMs: number }
  | { readonly ok: false; readonly error: InstarError; readonly elapsedMs: number }
