import type { SimulationModel } from '../host-plan/host-plan.js'
import type { ClassUpgrade } from './descriptor.js'
import { healthWords } from './health.js'

/** What a class upgrade costs, for people: one sentence each, without a full stop. */
export interface UpgradeWords {
  /** Who serves the new version before a peer has upgraded, and what that costs. */
  readonly before: string
  /** Who serves the old version afterwards, and what that costs. */
  readonly after: string
  /** What becomes of the state, and how long callers wait for it. */
  readonly state: string
  /** What going back during the trial keeps and loses (R22). */
  readonly back: string
  /** What ends its trial well, and what does not (§15). */
  readonly health: string
}

/**
 * Says what signers, planners and operators should know of a class upgrade.
 *
 * @param names what the two versions are called; `version 1`, for example
 */
export function upgradeWords(
  upgrade: Pick<
    ClassUpgrade,
    'compatible' | 'future' | 'past' | 'transform' | 'state' | 'durability' | 'back' | 'loses' | 'stableMs' | 'health'
  >,
  names: { readonly old: string; readonly new: string }
): UpgradeWords {
  const { compatible, future, past, transform, back, loses } = upgrade
  const same = `the contract is the same: one object answers the calls of ${names.old} and of ${names.new}`
  const simulated = (model: SimulationModel | undefined, served: string, missing: string): string =>
    model === undefined ? `${served} is not served: ${missing}` : `${served} is served ${modelWords[model]}`
  return {
    before: compatible ? same : simulated(future, names.new, 'its callers wait until the peer has upgraded'),
    after: compatible ? same : simulated(past, names.old, 'its callers are refused by a peer that has upgraded'),
    state: `${transformWords[transform]}; ${stateWords(upgrade)}`,
    back: loses === undefined ? backWords[back] : `${backWords[back]} ${loses.replace(/\.\s*$/, '')}`,
    health: healthWords(upgrade)
  }
}

/** What callers may rely on of a state. */
export function stateWords({ state, durability }: Pick<ClassUpgrade, 'state' | 'durability'>): string {
  const event = durability === 'os' ? 'a killed process' : 'power loss'
  return state === 'managed'
    ? `an acknowledged call survives ${event}`
    : 'kept in FILES: a command that fails or is killed may leave half of its changes and is not run again, a query may see half of a command, and the class has to make its files durable itself'
}

/** What each model costs (R11). */
const modelWords: Readonly<Record<SimulationModel, string>> = {
  twin: 'by a twin: the class itself on full state of its own, twice the space and the writes while both are served',
  direct:
    'in the direct model: it sees its own calls only, and refuses what calls of the other version could make wrong',
  interceptor: 'in the interceptor model: every call of the version that runs goes through it too',
  shadowed: 'in the shadowed model: every command of the other version runs its shadow in the same step'
}

const transformWords: Readonly<Record<ClassUpgrade['transform'], string>> = {
  mapping: 'mapped before the upgrade, beside the version that runs, and callers do not wait for it',
  entries: 'built beside the version that runs before callers wait, who wait only for its last changes',
  none: 'taken as it is',
  whole: 'built anew beside the old one, and callers wait as long as that takes'
}

const backWords: Readonly<Record<ClassUpgrade['back'], string>> = {
  exact: 'exact: every acknowledged call and answer of both versions is kept',
  transform: "by the author's reverse transform, and callers wait as long as that takes; LOST by it:",
  copy: 'to the state of before; calls that the trial acknowledged are LOST',
  none: 'NONE: once a peer has upgraded it stays'
}
