import type { VersionRef } from '../announcement/announcement.js'
import { descriptorHash, type Descriptor } from '../descriptor/descriptor.js'
import type { JournalEntry } from '../journal/entries.js'
import {
  appendVersion,
  chainId,
  chainIdPrefix,
  classAt,
  upgradeAt,
  type VersionEntry,
  type VersionLog
} from '../version-log/version-log.js'
import { isSwitching, type Phase } from './phase.js'
import type { PeerState } from './state.js'
import { newProgress, setPhase, type Turn } from './turn.js'

// One number can mean two things (§6). A peer therefore keeps two histories apart: the one that it follows (`log`), in which everything
// stands that runs here, and the one that the network counts (`trusted`). They are the same but for the time after a decision of the
// root, or a rotation, that has put another descriptor where this peer had one. Then:
//
//   it runs something older             → nothing of the old history is started; what is served of it goes, and then `log` is `trusted`
//   it runs a version of the old one,
//     which left its class alone        → it has run nothing of it, and counts back
//     on trial, with a way back         → it goes back, and then as above
//     committed, or without a way back  → it is *diverged*: it answers nothing from there on and waits for its operator; its trust gate
//                                         is closed, so it begins, commits and retires nothing
//
// Nothing of this is written down: it follows from the two histories at every look, after a restart too.

/** The network's history goes on with this version, or takes another turn at it. */
export function trustVersion(state: PeerState, descriptor: Descriptor): void {
  const known = state.trusted[descriptor.version - 1]
  if (known?.descriptorHash === descriptorHash(descriptor)) return
  state.trusted = appendVersion(state.trusted.slice(0, descriptor.version - 1), descriptor)
}

/** Gives every trusted version above the one that runs a phase, so that its journey begins. */
export function learnVersions(turn: Turn): void {
  const { state } = turn
  if (state.lineage === undefined) return
  for (const entry of state.log) {
    if (entry.version <= state.running || state.versions.has(entry.version)) continue
    state.versions.set(entry.version, newProgress(entry.version, 'known', turn.now.wallMs))
  }
}

/** The root's word on a version: what it does not keep ends the history there, until the kept one is told. */
export function decide(state: PeerState, version: number, keep: string): void {
  state.decided.set(version, keep)
  state.frozen.delete(version)
  const named = state.trusted[version - 1]
  if (named !== undefined && named.descriptorHash !== keep) state.trusted = state.trusted.slice(0, version - 1)
}

/** The first version at which this peer's history is not the network's; undefined while they are one. */
export function conflictAt({ log, trusted, decided }: Readonly<PeerState>): number | undefined {
  if (log === trusted) return undefined
  const common = Math.min(log.length, trusted.length)
  for (let i = 0; i < common; i++) if (log[i]?.descriptorHash !== trusted[i]?.descriptorHash) return i + 1
  // What is only not told yet is no other history; what was decided against is.
  const next = log[trusted.length]
  const kept = next === undefined ? undefined : decided.get(next.version)
  return kept === undefined || kept === next?.descriptorHash ? undefined : next?.version
}

/** The version from which on this peer is diverged (§6): it has committed what the network does not count, or cannot go back from it. */
export function divergedAt(state: Readonly<PeerState>): number | undefined {
  const at = conflictAt(state)
  if (at === undefined || state.lineage === undefined || state.running < at) return undefined
  if (classAt(state.log, state.lineage, state.running).codeVersion < at) return undefined
  return canLeave(state, at) ? undefined : at
}

/** On trial, or on its way back, and the way leads below the version. */
function canLeave(state: Readonly<PeerState>, at: number): boolean {
  const { running, lineage, log, versions } = state
  const phase: Phase | undefined = versions.get(running)?.phase
  if (lineage === undefined || (phase !== 'trial' && phase !== 'goingBack')) return false
  return beforeIn(state, running) < at && upgradeAt(log, lineage, running)?.back !== 'none'
}

/** The version that going back from this one leads to. */
export function beforeIn({ versions, joinedAt, walk }: Readonly<PeerState>, version: number): number {
  if (walk?.isBegun === true && walk.to === version) return walk.from
  for (let v = version - 1; v > joinedAt; v--) if (versions.get(v)?.phase !== 'superseded') return v
  return joinedAt
}

/** Takes the network's history for this peer's, as soon as nothing that runs here stands in another one. */
export function followTrusted(turn: Turn): void {
  const { state } = turn
  const { log, trusted, lineage } = state
  const at = conflictAt(state)
  if (at === undefined) {
    if (trusted.length >= log.length) state.log = trusted
    return
  }
  if (lineage !== undefined) {
    if (state.running >= at && classAt(log, lineage, state.running).codeVersion < at) countBack(turn, at)
    if (!isClearOf(state, at)) return
    // The journal must not let it begin where this ends, should the root ever change its mind.
    for (const { version } of [...state.versions.values()].filter(each => each.version >= at)) {
      setPhase(turn, version, 'known')
      state.versions.delete(version)
    }
  }
  state.log = trusted
}

/** The versions from here on left the class alone: the object is what it was, and only its number changes. */
function countBack({ state, entries }: Turn, at: number): void {
  if (at - 1 < state.joinedAt) return
  state.running = at - 1
  entries.push({ type: 'running', version: at - 1, chainId: chainIdPrefix(state.log, at - 1) ?? '' })
}

/** Whether the host has nothing of these versions any more: states of simulation objects are named by number only. */
function isClearOf({ running, host }: PeerState, at: number): boolean {
  return running < at && (host.goal?.high ?? 0) < at && (host.switching?.goal.high ?? 0) < at
}

/**
 * The history in which the journal stands: the network's, or one that the peer followed before the network took another one.
 *
 * @param others descriptors that the peer holds and the network does not count
 */
export function recallLog(
  trusted: VersionLog,
  others: readonly Descriptor[],
  entries: readonly JournalEntry[]
): VersionLog {
  for (const tip of tipsOf(entries)) {
    if (chainIdPrefix(trusted, tip.version) === tip.chainId) return trusted
    const own = logThrough(trusted, others, tip)
    if (own !== undefined) return own
  }
  return trusted
}

/** What the journal says of code that may be this object's, the highest version first. */
function tipsOf(entries: readonly JournalEntry[]): VersionRef[] {
  let running: VersionRef | undefined
  const phases = new Map<number, VersionRef & { phase: Phase }>()
  for (const entry of entries) {
    if (entry.type === 'joined' || entry.type === 'running') running = entry
    if (entry.type === 'phase') phases.set(entry.version, entry)
  }
  if (running === undefined) return []
  const { version } = running
  const underWay = [...phases.values()].filter(each => each.version > version && isSwitching(each.phase))
  return [...underWay, running].sort((a, b) => b.version - a.version)
}

/** A descriptor names what it follows by its whole chain id, so the way down from any of them is found without a search. */
function logThrough(trusted: VersionLog, others: readonly Descriptor[], tip: VersionRef): VersionLog | undefined {
  const held = new Map<string, VersionEntry>(trusted.map(each => [each.chainId, each]))
  for (const descriptor of others) {
    const hash = descriptorHash(descriptor)
    const { version, previous } = descriptor
    const id = chainId(previous, version, hash)
    if (!held.has(id)) held.set(id, { version, chainId: id, descriptorHash: hash, descriptor })
  }
  let entry = [...held.values()].find(each => each.version === tip.version && each.chainId.startsWith(tip.chainId))
  const way: VersionEntry[] = []
  for (; entry !== undefined; entry = held.get(entry.descriptor.previous)) {
    way.push(entry)
    if (entry.version === 1) return way.reverse()
  }
  return undefined
}
