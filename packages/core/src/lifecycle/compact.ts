import type { JournalEntry } from '../journal/entries.js'
import { chainIdPrefix } from '../version-log/version-log.js'
import type { Now } from './input.js'
import { quietEntry } from './quiet.js'
import type { PeerState } from './state.js'
import { compactTrial } from './trial-journal.js'

/** The shortest journal that folds to the durable part of this state (§11): what compaction writes in place of the history. */
export function compactEntries(state: Readonly<PeerState>, now: Now): readonly JournalEntry[] {
  const { lineage, log } = state
  const policy: JournalEntry[] = Object.keys(state.policy).length === 0 ? [] : [{ type: 'policy', set: state.policy }]
  if (lineage === undefined)
    return [...(state.isReset ? [{ type: 'reset', atMs: now.wallMs } as const] : []), ...policy]
  const chainId = (version: number): string => chainIdPrefix(log, version) ?? ''
  const entries: JournalEntry[] = [
    // What it says of the way follows from the phases.
    {
      type: 'joined',
      lineage: { since: lineage.since, className: lineage.className },
      version: state.joinedAt,
      chainId: chainId(state.joinedAt)
    }
  ]
  if (state.host.began) entries.push({ type: 'began' })
  if (state.running !== state.joinedAt) {
    entries.push({ type: 'running', version: state.running, chainId: chainId(state.running) })
  }
  if (state.walk?.isBegun === true) {
    const { from, to } = state.walk
    entries.push({ type: 'walk', from, version: to, chainId: chainId(to) })
  }
  for (const progress of state.versions.values()) {
    const { version, phase, cause, attempt, approved, held, goNow, rehearsal } = progress
    entries.push({
      type: 'phase',
      version,
      chainId: chainId(version),
      phase,
      ...(cause === undefined ? {} : { cause }),
      ...(attempt === 0 ? {} : { attempt })
    })
    const of = { version, chainId: chainId(version) }
    if (rehearsal.passed !== undefined) entries.push({ type: 'rehearsed', ...of, ...rehearsal.passed })
    const trial = compactTrial(progress, now)
    if (trial !== undefined) entries.push({ type: 'trial', ...of, ...trial })
    if (approved) entries.push({ type: 'operator', word: 'approve', ...of })
    if (goNow) entries.push({ type: 'operator', word: 'goNow', ...of })
    if (held) entries.push({ type: 'operator', word: 'hold', ...of })
  }
  for (const [version, { order, monoMs }] of state.heeded) {
    const atMs = now.wallMs - Math.max(0, now.monoMs - monoMs)
    entries.push({
      type: 'resumed',
      version,
      chainId: chainId(version),
      atMs,
      ...(order === undefined ? {} : { order })
    })
  }
  const { parked } = state.host
  if (parked !== undefined) {
    const { crashes, cause, sinceWallMs } = parked
    entries.push({ type: 'parked', crashes, cause, atMs: sinceWallMs })
  }
  for (const [version, quiet] of state.quiet) {
    // What the journal knows; what is newer is written when it is due.
    if (quiet.writtenMonoMs > quiet.writtenFromMonoMs) entries.push(quietEntry(state, version, quiet))
  }
  return [...entries, ...policy, { type: 'served', low: state.lowest }]
}
