import type { Announcement } from '../announcement/announcement.js'
import { chainIdPrefix, classAt } from '../version-log/version-log.js'
import { previousVersion } from './goal.js'
import { servedRange } from './routes.js'
import type { PeerState } from './state.js'
import { wakeAtMono, type Turn } from './turn.js'

const reasonCharactersMax = 300
const versionsMax = 16

/** The lowest version that this peer may still run as: running, or on trial what going back leads to (§13). */
export function floorOf(state: PeerState): number {
  const phase = state.versions.get(state.running)?.phase
  return phase === 'trial' || phase === 'goingBack' ? previousVersion(state, state.running) : state.running
}

/** Says what has changed, and repeats the whole statement when nothing has for a while (§13). */
export function announce(turn: Turn): void {
  const { state, now } = turn
  if (state.lineage === undefined || state.damage !== undefined) return
  const last = state.announced
  const dueAt = last === undefined ? now.monoMs : last.monoMs + state.config.timing.announceEveryMs
  const statement = statementOf(state)
  const changed =
    last === undefined || JSON.stringify({ ...statement, seq: 0 }) !== JSON.stringify({ ...last.announcement, seq: 0 })
  if (!changed && now.monoMs < dueAt) {
    wakeAtMono(turn, dueAt)
    return
  }
  state.seq++
  const announcement = { ...statement, seq: state.seq }
  state.announced = { announcement, monoMs: now.monoMs }
  turn.effects.push({ effect: 'announce', announcement, urgent: turn.urgent || last === undefined })
  wakeAtMono(turn, now.monoMs + state.config.timing.announceEveryMs)
}

function statementOf(state: PeerState): Announcement {
  const { lineage, log } = state
  const served = servedRange(state)
  return {
    format: 1,
    network: state.config.network,
    peer: state.config.peer,
    class: lineage === undefined ? state.config.className : classAt(log, lineage, state.running).className,
    groups: [...state.config.groups],
    epoch: state.epoch,
    seq: state.seq,
    running: { version: state.running, chainId: chainIdPrefix(log, state.running) ?? '' },
    floor: floorOf(state),
    ...(served === undefined ? {} : { served: [...served] as [number, number] }),
    versions: unsettled(state),
    newest: Math.max(log.length, 1),
    instar: state.config.instar
  }
}

function unsettled(state: PeerState): Announcement['versions'] {
  return [...state.versions.values()]
    .filter(({ version, phase }) => phase !== 'retired' && !(phase === 'committed' && version <= state.running))
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
}
