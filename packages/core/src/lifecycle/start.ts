import type { Descriptor } from '../descriptor/descriptor.js'
import type { JournalEntry } from '../journal/entries.js'
import { chainIdPrefix, classAt, type Lineage, type VersionLog } from '../version-log/version-log.js'
import { arriveAt, leave } from './arrive.js'
import { beforeIn, recallLog } from './history.js'
import { createTrialWatch } from './health.js'
import type { FoundState, Now } from './input.js'
import { notRestored, restored } from './old-states.js'
import { followWay } from './own-way.js'
import { isSwitching } from './phase.js'
import { foldQuiet } from './quiet.js'
import type { PeerState, VersionProgress } from './state.js'
import { foldResumed, foldTrial } from './trial-journal.js'
import { isWalkStopped, walkTo } from './walk.js'
import { endWalk, newProgress, newRehearsal, setPhase, type Turn } from './turn.js'

/**
 * Begins a boot: folds the journal, then holds it against what the state database says (§11). The table below is the whole of it; rows
 * are the phase of the version that the journal last had under way, columns whether `meta` names the old or the new code.
 *
 * | journal                                          | meta: old code                    | meta: new code              |
 * |--------------------------------------------------|-----------------------------------|-----------------------------|
 * | preparing, draining, transforming, activating    | waiting: the upgrade begins again | trial: it had taken place   |
 * | the same, of a walk, some steps on disk (§14)    | goes on with the next step        | trial: it had taken place   |
 * | trial, committed                                 | damaged: the state is older       | goes on                     |
 * | goingBack                                        | wentBack: it had taken place      | goes on going back          |
 * | any other                                        | goes on                           | damaged: the state is newer |
 *
 * A walk's `meta` names where it began until its last step, and never a version between; one of which no step is on disk begins anew.
 *
 * An operator's restore is written down (`restore`) before the state is touched. Where it is the last word on what runs, and `meta` names
 * that version, it has taken place: the version runs, nothing older is served, everything above is as if never tried, and all is held.
 * Where `meta` still names what ran before, it has not, and the peer goes on.
 *
 * Of the other records none changes a row. A `rehearsed` one counts as long as `meta` names the version that was copied, and until its
 * version begins again (`known`); with another one the transform is tried again.
 *
 * No state at all is a loss once the object has had one (`began`), and a state with another chain id is not this peer's.
 */
export function startBoot(
  turn: Turn,
  boot: {
    epoch: number
    entries: readonly JournalEntry[]
    found: FoundState | undefined
    bundles: readonly string[]
    others?: readonly Descriptor[]
  }
): void {
  const { state } = turn
  state.started = true
  state.epoch = boot.epoch
  state.startedMonoMs = turn.now.monoMs
  state.clean.dueMonoMs = turn.now.monoMs + state.config.timing.cleanEveryMs
  for (const bundle of boot.bundles)
    state.bundles.set(bundle, { status: 'ready', effect: undefined, attempt: 0, retryMonoMs: 0, cause: undefined })
  state.log = recallLog(state.trusted, boot.others ?? [], boot.entries)
  for (const entry of boot.entries) {
    if (isOfLog(state.log, entry)) fold(state, entry, turn.now)
    else if (entry.type === 'phase') state.foreign.add(entry.version)
  }
  state.host.stateVersion = boot.found?.version
  followWay(state)
  if (state.lineage === undefined) {
    if (boot.found !== undefined)
      state.damage =
        'the state directory holds an object, but the journal does not know it: restore the journal, or move the state directory away to begin anew'
    return
  }
  reconcile(turn, state.lineage, boot.found)
}

/** What was written of a version of another history says nothing about the one that is followed now (§6). */
function isOfLog(log: VersionLog, entry: JournalEntry): boolean {
  if (
    entry.type !== 'phase' &&
    entry.type !== 'operator' &&
    entry.type !== 'rehearsed' &&
    entry.type !== 'trial' &&
    entry.type !== 'quiet'
  )
    return true
  const { version, chainId } = entry
  return chainId === undefined || chainIdPrefix(log, version) === chainId
}

function fold(state: PeerState, entry: JournalEntry, { wallMs, monoMs }: Now): void {
  switch (entry.type) {
    case 'joined':
      state.lineage = { since: entry.lineage.since, className: entry.lineage.className }
      state.joinedAt = entry.version
      state.running = entry.version
      state.lowest = entry.version
      break
    case 'running': {
      state.running = entry.version
      state.restoring = undefined
      // Written with the phase that follows from it; where a torn write kept only this one, the phase follows all the same.
      const arrived = state.versions.get(entry.version)
      if (arrived !== undefined && isSwitching(arrived.phase) && arrived.phase !== 'goingBack') arrived.phase = 'trial'
      break
    }
    case 'phase': {
      const progress = state.versions.get(entry.version) ?? newProgress(entry.version, entry.phase, wallMs)
      progress.phase = entry.phase
      progress.cause = entry.cause
      progress.attempt = entry.attempt ?? 0
      endWalk(state, entry.version, entry.phase)
      // From its beginning: what was tried for the way before does not count for this one.
      if (entry.phase === 'known') progress.rehearsal = newRehearsal()
      state.versions.set(entry.version, progress)
      if (entry.phase === 'retired') state.lowest = Math.max(state.lowest, entry.version + 1)
      break
    }
    case 'rehearsed': {
      const progress = state.versions.get(entry.version) ?? newProgress(entry.version, 'known', wallMs)
      const { type: _, version: _version, chainId: _chainId, ...passed } = entry
      progress.rehearsal.passed = passed
      state.versions.set(entry.version, progress)
      break
    }
    case 'trial':
      foldTrial(state, entry, { wallMs, monoMs })
      break
    case 'walk':
      state.walk = { from: entry.from, to: entry.version, isBegun: true, ...newWalk }
      break
    case 'served':
      state.lowest = entry.low
      break
    case 'began':
      state.host.began = true
      break
    case 'reset':
      state.isReset = true
      break
    case 'restore':
      state.restoring = { version: entry.version, chainId: entry.chainId }
      break
    case 'resumed':
      state.heeded.set(entry.version, {
        order: entry.order ?? state.heeded.get(entry.version)?.order,
        monoMs: monoMs - Math.max(0, wallMs - entry.atMs)
      })
      foldResumed(state, entry.version)
      break
    case 'parked':
      state.host.parked = { crashes: entry.crashes, cause: entry.cause, sinceWallMs: entry.atMs }
      break
    case 'unparked':
      state.host.parked = undefined
      break
    case 'policy':
      state.policy = entry.set
      break
    case 'quiet':
      foldQuiet(state, entry, monoMs)
      break
    case 'operator':
      foldOperator(state, entry, wallMs)
  }
}

const newWalk = { isRehearsed: true, effect: undefined, attempt: 0, retryMonoMs: 0 }

function foldOperator(state: PeerState, entry: Extract<JournalEntry, { type: 'operator' }>, wallMs: number): void {
  const progress = state.versions.get(entry.version) ?? newProgress(entry.version, 'known', wallMs)
  state.versions.set(entry.version, progress)
  if (entry.word === 'approve') progress.approved = true
  if (entry.word === 'goNow') progress.goNow = true
  if (entry.word === 'hold') progress.held = true
  if (entry.word === 'resume') progress.held = false
}

function reconcile(turn: Turn, lineage: Lineage, found: FoundState | undefined): void {
  const { state } = turn
  const code = (version: number): number => classAt(state.log, lineage, version).codeVersion
  const underWay = [...state.versions.values()].find(each => each.version > state.running && isSwitching(each.phase))
  const goingBack = [...state.versions.values()].find(each => each.phase === 'goingBack')

  if (found === undefined) {
    if (state.host.began)
      state.damage = `the journal says that version ${state.running} runs here, but the state directory is empty: restore it, or move the journal away to begin anew`
    else if (underWay !== undefined)
      setPhase(turn, underWay.version, 'waiting', { reason: 'interrupted before it began' })
  } else if (found.chainId !== chainIdPrefix(state.log, found.version)) {
    // R20: the same number of another history.
    state.damage = `the state directory holds version ${found.version} of another history (chain id ${found.chainId}): restore the one that belongs to this journal`
  } else if (state.restoring?.version === found.version) {
    restored(turn, lineage, found.version)
  } else if (underWay !== undefined && found.version === code(underWay.version)) {
    arriveAt(turn, underWay.version)
  } else if (goingBack !== undefined && found.version === code(beforeIn(state, goingBack.version))) {
    leave(turn, goingBack.version)
  } else if (found.version !== code(state.running)) {
    state.damage = `the journal says that version ${state.running} runs here, but the state directory holds version ${found.version}: one of them is from another time; restore both from the same moment`
  } else if (underWay !== undefined) {
    interrupted(turn, underWay, found)
  }
  if (state.restoring !== undefined && state.damage === undefined) notRestored(turn)
  resumeIntroductions(turn)
}

/** What it had built of several versions is gone on with before anything serves again; otherwise the state of before serves (§14). */
function interrupted(turn: Turn, { version }: VersionProgress, { walkedTo }: FoundState): void {
  const { state } = turn
  const walk = walkTo(state, version)
  if (walk === undefined) setPhase(turn, version, 'waiting', { reason: 'the upgrade was interrupted and begins again' })
  else if (walkedTo === undefined || isWalkStopped(state, walk)) setPhase(turn, version, 'known')
}

/** Probation and half-done introductions begin again: whether they would have passed is not known. */
function resumeIntroductions(turn: Turn): void {
  for (const progress of turn.state.versions.values()) {
    if (progress.phase === 'probation') progress.phase = 'introducing'
    if (progress.phase === 'fetching' || progress.phase === 'rehearsing') progress.phase = 'known'
    progress.watchedMonoMs = turn.now.monoMs
    progress.trial = progress.phase === 'trial' ? (progress.trial ?? createTrialWatch(turn.now)) : undefined
  }
}
