import { neededBundles, type NeededBundles } from './needed.js'
import type { Now } from './input.js'
import { stayingStates } from './old-states.js'
import type { PeerState } from './state.js'
import { nextEffectId, type Turn } from './turn.js'

/** What a clean leaves, were it now; and why. */
export interface Staying {
  readonly bundles: NeededBundles
  /** Generations; all of them where the host has not said which there are. */
  readonly states: readonly number[] | 'all'
}

/** What a cleaning at this moment would leave, and on whose account: for whoever asks before anything is removed. */
export function whatStays(state: Readonly<PeerState>, now: Now): Staying {
  const states = state.oldStates === undefined ? 'all' : stayingStates(state, now.wallMs).map(each => each.generation)
  return { bundles: neededBundles(state, now), states }
}

/** Why nothing can be cleaned now, in words for the operator; undefined when it can. */
export function whyNotCleaned({ host, lineage }: Readonly<PeerState>): string | undefined {
  if (lineage === undefined) return 'this peer has not joined its network yet'
  // What a switch builds aside is named by nothing yet.
  return host.switching === undefined ? undefined : 'its host is being switched'
}

/**
 * From time to time, and when the operator asks, lets go of what nothing needs any more: the effect names what stays. Between switches
 * only: what one builds aside is named by nothing yet.
 */
export function cleanUp(turn: Turn): void {
  const { state, now } = turn
  const { clean } = state
  if (clean.effect !== undefined || whyNotCleaned(state) !== undefined) return
  if (!clean.isAsked && now.monoMs < clean.dueMonoMs) return
  const { isAsked } = clean
  const stays = whatStays(state, now)
  const { bundles } = stays.bundles
  clean.effect = nextEffectId(turn)
  clean.isAsked = false
  // Whoever wants one of these from here on asks for it again, and hears whether it is still there.
  if (bundles !== 'all')
    for (const [bundle, { status }] of state.bundles)
      if (status === 'ready' && !bundles.has(bundle)) state.bundles.delete(bundle)
  turn.effects.push({
    effect: 'clean',
    id: clean.effect,
    bundles: bundles === 'all' ? bundles : [...bundles].sort(),
    states: stays.states,
    isAsked
  })
}

export function cleaned({ state, now }: Turn, id: number): void {
  if (state.clean.effect !== id) return
  state.clean.effect = undefined
  state.clean.dueMonoMs = now.monoMs + state.config.timing.cleanEveryMs
}
