import { neededBundles } from './needed.js'
import { stayingStates } from './old-states.js'
import { nextEffectId, type Turn } from './turn.js'

/**
 * From time to time, and when the operator asks, lets go of what nothing needs any more: the effect names what stays. Between switches
 * only: what one builds aside is named by nothing yet.
 */
export function cleanUp(turn: Turn): void {
  const { state, now } = turn
  const { clean, host } = state
  if (clean.effect !== undefined || host.switching !== undefined || state.lineage === undefined) return
  if (!clean.isAsked && now.monoMs < clean.dueMonoMs) return
  const bundles = neededBundles(state, now)
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
    states: state.oldStates === undefined ? 'all' : stayingStates(state, now.wallMs).map(each => each.generation)
  })
}

export function cleaned({ state, now }: Turn, id: number): void {
  if (state.clean.effect !== id) return
  state.clean.effect = undefined
  state.clean.dueMonoMs = now.monoMs + state.config.timing.cleanEveryMs
}
