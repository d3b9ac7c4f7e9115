import { chainId } from '@instar/core'
import type { Held } from '../metadata/document.js'
import type { Decision } from '../metadata/root.js'
import type { TargetEntry } from '../metadata/target-entry.js'
import type { TargetsMetadata } from '../metadata/targets.js'
import type { Fork, NamedUpgrade, NamedUpgrades } from './state.js'

type Revision = Held<TargetsMetadata>

/**
 * What the register and its witnesses name together. An entry that was once seen is never lost to a later revision without it (§6), and
 * where two are seen the version is forked; there the run keeps the one that it had: a peer may be running it. What the root has
 * decided is no fork: only the descriptor that it keeps counts, and before a version of which it keeps none the run ends.
 */
export function nameUpgrades(
  network: string,
  revisions: readonly Revision[],
  before: NamedUpgrades,
  decisions: ReadonlyMap<number, Decision>
): NamedUpgrades {
  const run: NamedUpgrade[] = []
  for (let version = 1; ; version++) {
    const known = before.run[version - 1]
    const kept = decisions.get(version)
    const entry = choose(revisions, version, kept ?? known?.hash)
    if (entry === undefined || (kept !== undefined && kept !== entry.hash)) break
    const previous = run.at(-1)
    // Hashing the whole chain again for each new revision would be quadratic over a network's life.
    const unchanged =
      known?.hash === entry.hash && known.byteLength === entry.byteLength && previous === before.run[version - 2]
    run.push(
      unchanged ? known : { version, ...entry, chainId: chainId(previous?.chainId ?? network, version, entry.hash) }
    )
  }
  return { run, forks: findForks(revisions, decisions), decisions }
}

function choose(revisions: readonly Revision[], version: number, hash: string | undefined): TargetEntry | undefined {
  let [first, chosen]: readonly (TargetEntry | undefined)[] = []
  for (const revision of revisions) {
    const entry = revision.model.upgrades.get(version)
    first ??= entry
    // The lowest revision that names it says its length: a later one that gives another would take the version away from all who start anew.
    if (entry?.hash === (hash ?? first?.hash)) chosen = entry ?? chosen
  }
  return chosen ?? first
}

function findForks(revisions: readonly Revision[], decisions: ReadonlyMap<number, Decision>): readonly Fork[] {
  if (revisions.length < 2) return []
  const hashes = new Map<number, Set<string>>()
  for (const { model } of revisions) {
    for (const [version, { hash }] of model.upgrades) {
      const known = hashes.get(version)
      if (known === undefined) hashes.set(version, new Set([hash]))
      else known.add(hash)
    }
  }
  return [...hashes]
    .filter(([version, set]) => set.size > 1 && !decisions.has(version))
    .sort(([a], [b]) => a - b)
    .map(([version, set]) => ({ version, hashes: [...set].sort().slice(0, 2) as [string, string] }))
}
