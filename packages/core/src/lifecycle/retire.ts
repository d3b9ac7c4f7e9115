import { trustGate } from '../gates/trust-gate.js'
import { namePeers } from '../gates/gate.js'
import type { RosterEntry } from '../roster/roster.js'
import { peersAt } from '../roster/same-history.js'
import { upgradeAt, wayTo } from '../version-log/version-log.js'
import { floorOf } from './announce.js'
import type { Now } from './input.js'
import { isPassedOver } from './own-way.js'
import { quietOf, rememberQuiet } from './quiet.js'
import type { PeerState } from './state.js'
import { newProgress, setPhase, wakeAtMono, wakeAtWall, type Turn } from './turn.js'

/**
 * Stops serving versions that nobody needs any more, the lowest first (§14). A peer retires k only when its own floor lies above k;
 * every admitted peer's floor and the callers must have left it too, unless the descriptor's retirement date has passed.
 */
export function retireVersions(turn: Turn): void {
  const { state } = turn
  if (state.lineage === undefined) return
  for (let version = state.lowest; version < floorOf(state); version++) rememberQuiet(turn, version)
  while (state.lowest < floorOf(state)) {
    const version = state.lowest
    if (isPassedOver(state, version)) {
      // Nobody was ever served at it here.
      state.lowest = version + 1
      turn.entries.push({ type: 'served', low: state.lowest })
      continue
    }
    const progress = state.versions.get(version) ?? newProgress(version, 'committed', turn.now.wallMs)
    state.versions.set(version, progress)
    const need = needOf(state, version, turn.now)
    if (need.reason !== undefined) {
      progress.reason = need.reason
      if (need.notAfterMs !== undefined) wakeAtWall(turn, need.notAfterMs)
      if (need.quietLeftMs !== undefined && need.quietLeftMs > 0) wakeAtMono(turn, turn.now.monoMs + need.quietLeftMs)
      return
    }
    setPhase(turn, version, 'retired')
    state.lowest = version + 1
    state.quiet.delete(version)
  }
}

/** Who needs a version that is still served below the object's, and what ends that (§14). */
export interface Need {
  readonly version: number
  /** Why it is served, in words; undefined: nothing holds it, and it is retired at the next look. */
  readonly reason: string | undefined
  /** Admitted peers whose floor is not above it. */
  readonly peers: readonly NeedyPeer[]
  /** Wall clock of the newest call that this peer knows of. */
  readonly usedAtMs?: number
  /** How much longer nobody must call it. */
  readonly quietLeftMs?: number
  /** From this moment of the wall clock on nothing but this peer's own floor holds it. */
  readonly notAfterMs?: number
}

interface NeedyPeer {
  readonly peer: string
  /** The lowest version that it may still run as, by its last word. */
  readonly floor: number
  /** If it stays silent, it counts until then, wall clock: its certificate ends, or it counts as departed. */
  readonly countsUntilMs: number
}

/** Every version that this peer serves below its own floor, the lowest first; the ones further up wait for it. */
export function needsBelow(state: PeerState, now: Now): readonly Need[] {
  if (state.lineage === undefined) return []
  const needs: Need[] = []
  for (let version = state.lowest; version < floorOf(state); version++) needs.push(needOf(state, version, now))
  return needs
}

function needOf(state: PeerState, version: number, now: Now): Need {
  const rule = successor(state, version)
  // Its calls reach the same object as those of the later versions: to refuse them would break callers whom no upgrade concerns.
  if (rule === undefined) return { version, reason: 'no later version changes this class', peers: [] }
  const behind = peersAt(state, version, now).filter(({ announcement }) => announcement.floor <= version)
  const { usedAtMs, fromMonoMs } = quietOf(state, version)
  const quietLeftMs = Math.max(0, fromMonoMs + rule.quietMs - now.monoMs)
  const notAfterMs = rule.notAfter === undefined ? undefined : Date.parse(rule.notAfter)
  const known = {
    version,
    peers: behind.map(entry => toNeedyPeer(state, entry, now)),
    ...(usedAtMs === undefined ? {} : { usedAtMs }),
    ...(notAfterMs === undefined ? {} : { notAfterMs })
  }
  const trust = trustGate(state, state.running, now)
  if (!trust.open) return { ...known, reason: `it goes on being served: ${trust.reason}` }
  if (notAfterMs !== undefined && now.wallMs >= notAfterMs) return { ...known, reason: undefined }
  if (behind.length > 0) {
    const peers = behind.length === 1 ? '1 peer' : `${behind.length} peers`
    const names = namePeers(behind.map(entry => entry.announcement.peer))
    return { ...known, quietLeftMs, reason: `${peers} may still run it (${names})` }
  }
  if (quietLeftMs === 0) return { ...known, reason: undefined }
  const since = usedAtMs === undefined ? 'nobody is known to have called it' : `it was called at ${time(usedAtMs)}`
  return {
    ...known,
    quietLeftMs,
    reason: `${since}; it is retired when it has been quiet for ${spanWords(rule.quietMs)}`
  }
}

function toNeedyPeer(
  { config }: PeerState,
  { announcement, admission, heardMonoMs }: RosterEntry,
  now: Now
): NeedyPeer {
  const departsAtMs = now.wallMs + Math.max(0, heardMonoMs + config.timing.departedAfterMs - now.monoMs)
  return {
    peer: announcement.peer,
    floor: announcement.floor,
    countsUntilMs: admission.by === 'certificate' ? admission.untilMs : departsAtMs
  }
}

function time(wallMs: number): string {
  return new Date(wallMs).toISOString()
}

function spanWords(ms: number): string {
  if (ms >= 3_600_000) return `${Math.round(ms / 360_000) / 10} h`
  return ms >= 60_000 ? `${Math.round(ms / 6_000) / 10} min` : `${ms / 1000} s`
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
