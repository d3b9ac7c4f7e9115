import { trustGate } from '../gates/trust-gate.js'
import { namePeers } from '../gates/gate.js'
import { peersAt } from '../roster/same-history.js'
import { upgradeAt, wayTo } from '../version-log/version-log.js'
import { floorOf } from './announce.js'
import { isPassedOver } from './own-way.js'
import type { PeerState } from './state.js'
import { newProgress, setPhase, wakeAtWall, type Turn } from './turn.js'

/**
 * Stops serving versions that nobody needs any more, the lowest first (§14). A peer retires k only when its own floor lies above k;
 * every admitted peer's floor and the callers must have left it too, unless the descriptor's retirement date has passed.
 */
export function retireVersions(turn: Turn): void {
  const { state } = turn
  while (state.lineage !== undefined && state.lowest < floorOf(state)) {
    const version = state.lowest
    if (isPassedOver(state, version)) {
      // Nobody was ever served at it here.
      state.lowest = version + 1
      turn.entries.push({ type: 'served', low: state.lowest })
      continue
    }
    const progress = state.versions.get(version) ?? newProgress(version, 'committed', turn.now.wallMs)
    state.versions.set(version, progress)
    const reason = needed(turn, version)
    if (reason !== undefined) {
      progress.reason = reason
      return
    }
    setPhase(turn, version, 'retired')
    state.lowest = version + 1
  }
}

/** Why the version is still served, in words; undefined when nothing holds it. */
function needed(turn: Turn, version: number): string | undefined {
  const { state, now } = turn
  const trust = trustGate(state, state.running, now)
  if (!trust.open) return `it goes on being served: ${trust.reason}`
  const retirement = successor(state, version)
  // Its calls reach the same object as those of the later versions: to refuse them would break callers whom no upgrade concerns.
  if (retirement === undefined) return 'no later version changes this class'
  if (retirement.notAfter !== undefined) {
    const endsAt = Date.parse(retirement.notAfter)
    if (now.wallMs >= endsAt) return undefined
    wakeAtWall(turn, endsAt)
  }
  const behind = peersAt(state, version, now).filter(({ announcement }) => announcement.floor <= version)
  if (behind.length > 0)
    return `${behind.length} ${behind.length === 1 ? 'peer' : 'peers'} may still run it (${namePeers(behind.map(entry => entry.announcement.peer))})`
  const used = state.lastUse.get(version)
  const quietFrom = (used ?? state.startedWallMs) + retirement.quietMs
  if (now.wallMs >= quietFrom) return undefined
  wakeAtWall(turn, quietFrom)
  const since = used === undefined ? 'nobody has called it since this peer started' : `it was called at ${time(used)}`
  return `${since}; it is retired when it has been quiet until ${time(quietFrom)}`
}

function time(wallMs: number): string {
  return new Date(wallMs).toISOString()
}

/** The retirement rule for a version is written in the class upgrade that replaced it; undefined while none has. */
function successor(state: PeerState, version: number): { quietMs: number; notAfter?: string | undefined } | undefined {
  if (state.lineage === undefined) return undefined
  for (const v of wayTo(state.log, state.lineage, state.running)) {
    const upgrade = v <= version ? undefined : upgradeAt(state.log, state.lineage, v)
    if (upgrade !== undefined) return upgrade.retirement
  }
  return undefined
}
