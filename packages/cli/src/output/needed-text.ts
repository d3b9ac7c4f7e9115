import type { NeededVersion } from '@instar/node/control'
import { shortPeer } from './peer-name.js'

/** Who needs an old version still, and what would retire it (§14). */
export function neededText(needed: NeededVersion): string {
  const { version, reason, peers, peersCount, callers, callersCount, quietUntil, retiredBy } = needed
  const lines = [`v${version} is still served here: ${reason}.`]
  for (const { peer, class: name, floor, countsUntil } of peers)
    lines.push(
      `  peer ${shortPeer(peer)} ${name ?? ''}, floor v${floor}; if it stays silent it counts until ${countsUntil}`
    )
  if (peersCount > peers.length) lines.push(`  and ${peersCount - peers.length} more peers`)
  for (const { peer, class: name, last } of callers)
    lines.push(`  called by ${shortPeer(peer)} (${name ?? 'no peer'}), last at ${last}`)
  if (callersCount > callers.length) lines.push(`  and by ${callersCount - callers.length} more`)
  if (quietUntil !== undefined) lines.push(`  quiet for long enough at ${quietUntil}, if nobody calls it`)
  if (retiredBy !== undefined) lines.push(`  retired at ${retiredBy} whoever needs it`)
  return lines.join('\n')
}
