import type { Held } from '../metadata/document.js'
import { compareDocuments, compareHashes } from '../metadata/meta-entry.js'
import type { Decision } from '../metadata/root.js'
import type { TargetsMetadata } from '../metadata/targets.js'

type Revision = Held<TargetsMetadata>

/** The highest verified revision, and those others that say something it does not. */
export interface TargetsRegister {
  readonly targets: Revision | undefined
  readonly witnesses: readonly Revision[]
}

/** Each witness proves at least one fork or one dropped entry; more than this prove nothing new that matters. */
const witnessesMax = 8

/**
 * The register of a set of verified revisions (§5). It depends on the set only, not on the order in which they came: a peer that saw
 * revision 3 before revision 2 ends where its neighbour is that saw them in order.
 *
 * The highest number wins. A revision that names an upgrade which the winner lacks, or names it in another way, stays as a
 * witness: authors signed it, so nobody may act as if they had not (R20). So does the twin of the winner: same number, other body. What
 * the root has decided to keep comes first among them.
 */
export function settleTargets(
  revisions: readonly Revision[],
  decisions: ReadonlyMap<number, Decision>
): TargetsRegister {
  const sorted = [...revisions].sort((a, b) => compareDocuments(b, a))
  const [winner, ...others] = sorted
  if (winner === undefined || others.length === 0) return { targets: winner, witnesses: [] }
  const witnesses = new Set<Revision>()
  const twin = others.find(each => each.version === winner.version)
  if (twin !== undefined) witnesses.add(twin)
  for (const [, { revision }] of contradictions(winner, others, decisions)) {
    if (witnesses.size === witnessesMax) break
    witnesses.add(revision)
  }
  return { targets: winner, witnesses: sorted.filter(each => witnesses.has(each)) }
}

/** Per version one hash that the winner does not name, and the highest revision that names it; ascending, kept ones first. */
function contradictions(
  winner: Revision,
  others: readonly Revision[],
  decisions: ReadonlyMap<number, Decision>
): readonly [number, Contradiction][] {
  const found = new Map<number, Contradiction>()
  for (const revision of others) {
    for (const [version, { hash, byteLength }] of revision.model.upgrades) {
      const named = winner.model.upgrades.get(version)
      if (named?.hash === hash && named.byteLength === byteLength) continue
      const isKept = decisions.get(version) === hash
      const known = found.get(version)
      // The others come highest first, so of equal hashes the first stays; of different ones that which is kept, or the lowest.
      const better = known === undefined ? 1 : Number(isKept) - Number(known.isKept) || compareHashes(hash, known.hash)
      if (better > 0) found.set(version, { hash, revision, isKept })
    }
  }
  return [...found].sort(([v, a], [w, b]) => Number(b.isKept) - Number(a.isKept) || v - w)
}

interface Contradiction {
  readonly hash: string
  readonly revision: Revision
  readonly isKept: boolean
}
