import type { JournalEntry } from '../journal/entries.js'
import { chainIdPrefix } from '../version-log/version-log.js'
import type { PeerState, Quiet } from './state.js'
import { wakeAtMono, type Turn } from './turn.js'

// A version is retired when nobody has called it for long enough (§14). What this peer has seen of that must outlive its process, or a
// peer that is restarted every day would serve every version for ever; and what it has not seen, because it did not run, must not count,
// or a peer that comes back after a week would refuse whoever called it daily. So it is a duration that is written down and not a time,
// which no jump of a clock makes longer: after each quiet hour, and once more when a call ends a quiet time that the journal knows of.

/** So long it must have been quiet again before the journal hears of it: as much of what was seen is forgotten by a restart. */
const quietWriteEveryMs = 3_600_000

/** What is known of a version; of one that nobody has called yet, that nobody has since the start. */
export function quietOf({ quiet, startedMonoMs }: Readonly<PeerState>, version: number): Readonly<Quiet> {
  return (
    quiet.get(version) ?? {
      fromMonoMs: startedMonoMs,
      usedAtMs: undefined,
      writtenMonoMs: startedMonoMs,
      writtenFromMonoMs: startedMonoMs
    }
  )
}

/** A call of this version has been answered or refused. */
export function noteUse(turn: Turn, version: number): void {
  const { state, now } = turn
  const quiet = { ...quietOf(state, version), fromMonoMs: now.monoMs, usedAtMs: now.wallMs }
  state.quiet.set(version, quiet)
  // What is served because it runs cannot be retired: nobody asks when it was used.
  if (version >= state.running) return
  // What the journal says of a quiet time is not true any more: a restart must not bring it back.
  if (quiet.writtenMonoMs > quiet.writtenFromMonoMs) write(turn, version, quiet)
}

/** Writes down how long it has been quiet, when that is worth it. */
export function rememberQuiet(turn: Turn, version: number): void {
  const { state, now } = turn
  const quiet = { ...quietOf(state, version) }
  state.quiet.set(version, quiet)
  const dueMonoMs = Math.max(quiet.writtenMonoMs, quiet.fromMonoMs) + quietWriteEveryMs
  if (now.monoMs >= dueMonoMs) write(turn, version, quiet)
  else wakeAtMono(turn, dueMonoMs)
}

function write({ state, now, entries }: Turn, version: number, quiet: Quiet): void {
  quiet.writtenMonoMs = now.monoMs
  quiet.writtenFromMonoMs = quiet.fromMonoMs
  entries.push(quietEntry(state, version, quiet))
}

/** What has been written down of a version last, as it is written. */
export function quietEntry(state: Readonly<PeerState>, version: number, quiet: Quiet): JournalEntry {
  return {
    type: 'quiet',
    version,
    chainId: chainIdPrefix(state.log, version) ?? '',
    quietMs: Math.max(0, Math.round(quiet.writtenMonoMs - quiet.writtenFromMonoMs)),
    ...(quiet.usedAtMs === undefined ? {} : { usedAtMs: quiet.usedAtMs })
  }
}

/** At the start of a boot: the quiet time goes on where it was written down; while the peer did not run, nothing was seen. */
export function foldQuiet(state: PeerState, entry: Extract<JournalEntry, { type: 'quiet' }>, monoMs: number): void {
  const fromMonoMs = monoMs - entry.quietMs
  state.quiet.set(entry.version, {
    fromMonoMs,
    usedAtMs: entry.usedAtMs,
    writtenMonoMs: monoMs,
    writtenFromMonoMs: fromMonoMs
  })
}
