import type { TrustState } from './state.js'

/** What is trusted, in words: one line each, for `instar network show`. */
export function explainTrust(_state: TrustState, _nowMs: number): readonly string[] {
  return []
}
