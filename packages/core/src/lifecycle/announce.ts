import type { Announcement, AnnouncementContent } from '../announcement/announcement.js'
import { chainIdPrefix, classAt, type Lineage } from '../version-log/version-log.js'
import { beforeIn } from './history.js'
import type { Phase } from './phase.js'
import { servedRange } from './routes.js'
import type { PeerState } from './state.js'
import { crashLoopOf, crashLoopWords } from './supervise.js'
import type { Turn } from './turn.js'

const reasonCharactersMax = 300
const versionsMax = 16

/** The lowest version that this peer may still run as: running, or on trial what going back leads to (§13). */
export function floorOf(state: PeerState): number {
  const phase = state.versions.get(state.running)?.phase
  return phase === 'trial' || phase === 'goingBack' ? beforeIn(state, state.running) : state.running
}

/** Says the whole statement again whenever something in it has changed; the sender sequences, paces and repeats it (§13). */
export function announce(turn: Turn): void {
  const { state } = turn
  if (state.lineage === undefined) return
  const content = contentOf(state, state.lineage, turn.now.monoMs)
  if (JSON.stringify(content) === JSON.stringify(state.announced)) return
  state.announced = content
  turn.effects.push({ effect: 'announce', content })
}

function contentOf(state: PeerState, lineage: Lineage, monoMs: number): AnnouncementContent {
  const { log } = state
  const served = servedRange(state)
  return {
    class: classAt(log, lineage, state.running).className,
    groups: [...state.config.groups],
    running: { version: state.running, chainId: chainIdPrefix(log, state.running) ?? '' },
    floor: floorOf(state),
    ...(served === undefined ? {} : { served: [...served] as [number, number] }),
    versions: [...inTrouble(state, monoMs), ...unsettled(state)].slice(0, versionsMax),
    newest: Math.max(state.trusted.length, 1),
    instar: state.config.instar
  }
}

function isSettled(phase: Phase): boolean {
  return phase === 'committed' || phase === 'retired' || phase === 'superseded'
}

/** What has been committed is spoken of only where it does not stay up. */
function inTrouble(state: PeerState, monoMs: number): Announcement['versions'] {
  const loop = crashLoopOf(state, monoMs)
  if (loop === undefined) return []
  const version = state.running
  const reason = crashLoopWords(loop).slice(0, reasonCharactersMax)
  return [{ version, chainId: chainIdPrefix(state.log, version) ?? '', phase: 'committed', reason }]
}

function unsettled(state: PeerState): Announcement['versions'] {
  const { walk } = state
  return (
    [...state.versions.values()]
      .filter(({ version, phase }) => version >= state.lowest && !(isSettled(phase) && version <= state.running))
      // What becomes of a version that is walked through, the phase of the one that the walk leads to says.
      .filter(({ version }) => !(walk?.isBegun === true && version > walk.from && version < walk.to))
      .sort((a, b) => a.version - b.version)
      .slice(0, versionsMax)
      .map(({ version, phase, reason, cause }) => {
        const text = reason ?? cause
        return {
          version,
          chainId: chainIdPrefix(state.log, version) ?? '',
          phase,
          ...(text === undefined ? {} : { reason: text.slice(0, reasonCharactersMax) })
        }
      })
  )
}
