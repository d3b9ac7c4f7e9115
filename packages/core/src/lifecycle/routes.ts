import { chainIdPrefix, classAt, supersederOf } from '../version-log/version-log.js'
import { divergedAt } from './history.js'
import { isPassedOver } from './own-way.js'
import { comparePhases, isTrouble } from './phase.js'
import type { PeerState } from './state.js'

/** What a call at one version meets at this peer (R2, R3). */
export interface Route {
  readonly version: number
  readonly chainId: string
  readonly className: string
  readonly state: 'served' | 'notYet' | 'retired' | 'superseded' | 'frozen' | 'halted' | 'parked'
  /** The façade that serves it, by class revision; with `served` only. */
  readonly revision?: number
  /** The version that superseded it; with `superseded` only. */
  readonly by?: number
  /** Why it was given up before its time, halted, or parked with the whole host; with `retired`, `halted` and `parked` only. */
  readonly cause?: string
}

/** How the router answers calls of each version. */
export interface Routes {
  /** One per trusted version of this class, ascending. */
  readonly entries: readonly Route[]
  readonly served: readonly [low: number, high: number] | undefined
  readonly newest: number
  /** From this version on the peer answers nothing: it has committed what the root has decided against (§6). */
  readonly divergedAt?: number
}

/** Lowest and highest version that this peer answers calls of. */
export function servedRange(state: PeerState): readonly [number, number] | undefined {
  const { goal, parked } = state.host
  if (goal === undefined || parked !== undefined) return undefined
  let high = state.running
  for (let version = high + 1; version <= goal.high; version++) {
    const phase = state.versions.get(version)?.phase
    if (phase === 'superseded') continue
    // Until it is introduced, a call is answered at once: not yet (§2d).
    if (phase === undefined || comparePhases(phase, 'introduced') < 0) break
    // On its way out of the host's plan: what the host still has of it is not offered any more.
    if (isTrouble(phase) || phase === 'withdrawn' || phase === 'halted' || phase === 'frozen') break
    high = version
  }
  const low = Math.max(state.lowest, goal.low)
  high = Math.min(high, (divergedAt(state) ?? Infinity) - 1)
  return low <= high ? [low, high] : undefined
}

/** The table by which the router answers or passes on every call. Derived from the state; made anew after each step that changed it. */
export function routesOf(state: PeerState): Routes {
  const { lineage, log } = state
  const served = servedRange(state)
  const newest = Math.max(log.length, state.trusted.length)
  const diverged = divergedAt(state)
  if (lineage === undefined) return { entries: [], served: undefined, newest }
  const entries = log
    .filter(({ version }) => version >= lineage.since)
    .map(({ version }): Route => {
      const at = classAt(log, lineage, version)
      const base = { version, chainId: chainIdPrefix(log, version) ?? '', className: at.className }
      const phase = state.versions.get(version)?.phase
      if (version > state.running && phase === 'frozen') return { ...base, state: 'frozen' }
      if (phase === 'superseded' || isPassedOver(state, version)) {
        const by = supersederOf(log, version)
        return { ...base, state: 'superseded', ...(by === undefined ? {} : { by }) }
      }
      if (version > state.running && phase === 'halted') {
        const reason = state.halted.get(version)?.reason
        return { ...base, state: 'halted', ...(reason === undefined ? {} : { cause: reason }) }
      }
      if (state.host.parked !== undefined && version >= state.lowest && version <= state.running)
        return { ...base, state: 'parked', cause: state.host.parked.cause }
      if (served === undefined || version > served[1])
        return { ...base, state: version < state.lowest ? 'retired' : 'notYet' }
      if (version < served[0]) {
        const cause = state.versions.get(version)?.cause
        return { ...base, state: 'retired', ...(cause === undefined ? {} : { cause }) }
      }
      return { ...base, state: 'served', revision: at.revision }
    })
  return { entries, served, newest, ...(diverged === undefined ? {} : { divergedAt: diverged }) }
}
