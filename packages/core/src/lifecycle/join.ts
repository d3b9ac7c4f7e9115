import { differsFrom } from '../roster/same-history.js'
import { admittedPeers, isReachable } from '../roster/roster.js'
import { chainIdPrefix, findLineage, supersederOf, versionBefore, type VersionLog } from '../version-log/version-log.js'
import { learnVersions } from './history.js'
import type { PeerState } from './state.js'
import { blockOf } from './stop.js'
import type { Turn } from './turn.js'

/**
 * First start with a class: begins at the newest version that admitted neighbours have committed and serve (§14), or at the first one
 * where there is nobody to ask.
 */
export function maybeJoin(turn: Turn): void {
  const { state } = turn
  if (!state.started || state.lineage !== undefined || state.damage !== undefined) return
  if (state.log.length === 0 || (!isAlone(state) && !state.synced)) return
  const className = state.config.className ?? onlyClass(state.log)
  const lineage = className === undefined ? undefined : findLineage(state.log, className)
  if (lineage === undefined) return
  const neighbours = admittedPeers(state, turn.now).filter(entry =>
    isReachable(entry, turn.now.monoMs, state.config.timing.unreachableAfterMs)
  )
  // P1: what is halted or forked, or was decided against, is nothing to begin with.
  const committed = neighbours
    .filter(({ announcement }) => announcement.floor < differsFrom(state, announcement))
    .map(({ announcement }) => announcement.floor)
    .filter(floor => floor <= state.log.length && blockOf(state, floor) === undefined)
    // §4: nobody comes to a superseded version any more, whoever still runs it.
    .map(floor => belowSuperseded(state.log, floor))
  const version = Math.max(lineage.since, ...committed)
  if (blockOf(state, version) !== undefined) return
  const lows = neighbours.flatMap(({ announcement }) =>
    announcement.served === undefined ? [] : [announcement.served[0]]
  )
  state.lineage = lineage
  state.joinedAt = version
  state.running = version
  state.lowest = Math.max(lineage.since, Math.min(version, ...lows))
  turn.entries.push(
    { type: 'joined', lineage, version, chainId: chainIdPrefix(state.log, version) ?? '' },
    { type: 'served', low: state.lowest }
  )
  learnVersions(turn)
}

function belowSuperseded(log: VersionLog, version: number): number {
  const superseder = supersederOf(log, version)
  return superseder === undefined ? version : belowSuperseded(log, versionBefore(log, {}, superseder))
}

/** Whether there is nobody to ask where to begin. */
export function isAlone({ config, isReset }: Readonly<PeerState>): boolean {
  return config.alone && !isReset
}

/** The class that everybody runs, where there is only one to choose. */
function onlyClass(log: VersionLog): string | undefined {
  const lineages = new Map<string, string>()
  for (const { version, descriptor } of log) {
    for (const { newClass } of descriptor.classes) {
      const lineage = findLineage(log, newClass, version)
      if (lineage !== undefined) lineages.set(`${lineage.since} ${lineage.className}`, newClass)
    }
  }
  return lineages.size === 1 ? [...lineages.values()][0] : undefined
}
