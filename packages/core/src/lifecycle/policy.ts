import { defaultPolicy, type LocalPolicy, type PolicyField, type PolicyOverrides } from './local-policy.js'
import type { PeerState } from './state.js'
import type { Turn } from './turn.js'

/** What holds now: what was said at run time wins over the configuration file, field by field, until it is taken back. */
export function effectivePolicy({ config, policy }: Readonly<Pick<PeerState, 'config' | 'policy'>>): LocalPolicy {
  const said = Object.entries(policy).map(([field, value]) => [field, value ?? defaultPolicy[field as PolicyField]])
  return { ...config.policy, ...(Object.fromEntries(said) as Partial<LocalPolicy>) }
}

/** The operator has said something about these fields, or taken back (`unset`) what was said before. Survives a restart. */
export function changePolicy(turn: Turn, set: PolicyOverrides, unset: readonly PolicyField[] = []): void {
  const { state } = turn
  const kept = Object.entries({ ...state.policy, ...set }).filter(([field]) => !unset.includes(field as PolicyField))
  state.policy = Object.fromEntries(kept)
  // Whole, so that the last one is all there is to know.
  turn.entries.push({ type: 'policy', set: state.policy })
  // What the schedules said, and are about to say, was said under other rules.
  state.rosterRevision++
  for (const progress of state.versions.values()) progress.schedule = undefined
}

/** `hold` and `resume` without a version. */
export function holdAll(turn: Turn, isHeld: boolean): void {
  if (isHeld || turn.state.config.policy.hold) changePolicy(turn, { hold: isHeld })
  else changePolicy(turn, {}, ['hold'])
}
