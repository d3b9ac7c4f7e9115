import { healthGate } from '../gates/health-gate.js'
import { trustGate } from '../gates/trust-gate.js'
import { upgradeAt } from '../version-log/version-log.js'
import { isSwitching } from './phase.js'
import type { PeerState } from './state.js'
import { setPhase, wakeAtMono, type Turn } from './turn.js'

/** Ends a trial that went well: the new object has served without a crash for its stable time, and trust is fresh (P1, §15). */
export function commitTrial(turn: Turn): void {
  const { state, now } = turn
  const progress = state.versions.get(state.running)
  if (progress?.phase !== 'trial' || state.lineage === undefined) return
  const upgrade = upgradeAt(state.log, state.lineage, state.running)
  if (state.host.status !== 'up') {
    progress.reason = `its host does not run: ${state.host.lastError ?? 'it is starting'}`
    return
  }
  const stableAt = progress.watchedMonoMs + (upgrade?.stableMs ?? 0)
  if (now.monoMs < stableAt) {
    progress.reason = 'it is watched before it is committed'
    wakeAtMono(turn, stableAt)
    return
  }
  const gate = [trustGate(state, state.running, now), healthGate(state, state.running, now)].find(each => !each.open)
  if (gate !== undefined) {
    progress.reason = `not committed yet: ${gate.reason}`
    return
  }
  setPhase(turn, state.running, 'committed')
}

/** Ends a trial that went badly, where the upgrade's author left a way back (§8); without one the version stays and is reported. */
export function goBack(turn: Turn, version: number, cause: string): void {
  const { state } = turn
  const progress = state.versions.get(version)
  if (progress?.phase !== 'trial' || version !== state.running || state.lineage === undefined) return
  // It is being left already, for the version that repairs it (§4).
  if (isGoingOn(state)) return
  // Where the version left the class alone, only the number changes.
  if (upgradeAt(state.log, state.lineage, version)?.back === 'none') {
    progress.cause = cause
    progress.reason = `the upgrade has no way back: ${cause}`
    return
  }
  setPhase(turn, version, 'goingBack', { cause, reason: cause })
}

/** Whether the switch to a later version is under way. */
function isGoingOn({ versions, running }: PeerState): boolean {
  return [...versions.values()].some(({ version, phase }) => version > running && isSwitching(phase))
}
