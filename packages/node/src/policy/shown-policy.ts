import { effectivePolicy, InstarError, type Json, type PeerState } from '@instar/core'
import { policyFieldSchema } from './policy-schema.js'

/** One rule of the local policy as it holds now, and where that comes from. */
export interface ShownRule {
  readonly rule: PolicyRule
  /** Absent: none. */
  readonly value?: Json
  readonly from: 'default' | 'file' | 'operator'
}

export type PolicyRule = (typeof policyFieldSchema.options)[number]

/**
 * The local policy rule by rule.
 *
 * @param file what the configuration file says
 */
export function shownPolicy(state: Readonly<PeerState>, file: object): readonly ShownRule[] {
  const holds = effectivePolicy(state)
  return policyFieldSchema.options.map(rule => {
    const value = holds[rule]
    const from = rule in state.policy ? 'operator' : rule in file ? 'file' : 'default'
    return { rule, ...(value === undefined ? {} : { value: value as unknown as Json }), from }
  })
}

/** "Go now" is no way around what the same operator has forbidden. @throws InstarError BadInput */
export function assertMayGoNow(state: Readonly<PeerState>, version: number): void {
  const { hold, highestVersion } = effectivePolicy(state)
  const isHeld = hold || state.versions.get(version)?.held === true
  const isAbove = highestVersion !== undefined && version > highestVersion
  if (!isHeld && !isAbove) return
  const why = isHeld
    ? `Version ${version} is held here, which "go now" does not change: \`instar upgrade resume\` first.`
    : `The policy of this peer allows no version above ${highestVersion}, which "go now" does not change: \`instar policy set highest-version\` first.`
  throw new InstarError('BadInput', why)
}
