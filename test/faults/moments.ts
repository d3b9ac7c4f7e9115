import type { LocalPeer } from '@instar/local-network'

/** The phases of an upgrade that goes well, as others hear of them. */
export const inPhases = [
  'rehearsing',
  'introducing',
  'probation',
  'waiting',
  'preparing',
  'draining',
  'transforming',
  'activating',
  'trial',
  'committed'
] as const

/**
 * Resolves when version 2 is first heard to be in this phase, or when it has passed it by: a twin becomes the object between two calls, and
 * has no such phases. Rejects where the peer ends first.
 */
export async function reaches(peer: LocalPeer, moment: string): Promise<void> {
  for await (const event of peer.control.events()) {
    if (event.type !== 'phase' || event.version !== 2) continue
    if (event.phase === moment || event.phase === 'committed' || event.phase === 'wentBack') return
  }
}
