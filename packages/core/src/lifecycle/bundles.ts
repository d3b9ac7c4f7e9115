import { backoffMs } from './config.js'
import type { LoadOutcome } from './input.js'
import type { BundleState } from './state.js'
import { nextEffectId, wakeAtMono, type Turn } from './turn.js'

/** Asks for a bundle: it is fetched, and fetched again after failures, until it is there. */
export function wantBundle(turn: Turn, bundle: string): BundleState {
  const { state, now } = turn
  const known = state.bundles.get(bundle) ?? {
    status: 'wanted',
    effect: undefined,
    attempt: 0,
    retryMonoMs: 0,
    cause: undefined
  }
  state.bundles.set(bundle, known)
  if (known.status !== 'wanted') return known
  if (now.monoMs < known.retryMonoMs) {
    wakeAtMono(turn, known.retryMonoMs)
    return known
  }
  known.status = 'fetching'
  known.effect = nextEffectId(turn)
  turn.effects.push({ effect: 'fetchBundle', id: known.effect, bundle })
  return known
}

export function fetched(turn: Turn, bundle: BundleState, outcome: LoadOutcome): void {
  bundle.effect = undefined
  if (outcome.ok) {
    bundle.status = 'ready'
    bundle.cause = undefined
    bundle.attempt = 0
    return
  }
  bundle.status = 'wanted'
  bundle.cause = outcome.cause
  bundle.attempt++
  bundle.retryMonoMs = turn.now.monoMs + backoffMs(turn.state.config.timing, bundle.attempt)
}
