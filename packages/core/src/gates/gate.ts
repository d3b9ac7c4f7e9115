/** The four gates that an upgrade needs open (§1). */
export const gates = ['trust', 'health', 'limit', 'schedule'] as const
/** One of the four gates that have to be open for an upgrade (§1). */
export type GateName = (typeof gates)[number]

/** A closed gate says which rule closes it and, in words, what would open it and which peers are waited for (R18). */
export type GateState =
  | { readonly open: true }
  | {
      readonly open: false
      readonly gate: GateName
      readonly rule: string
      readonly reason: string
      readonly waitsFor: readonly string[]
    }

export const open: GateState = Object.freeze({ open: true })

export function closed(gate: GateName, rule: string, reason: string, waitsFor: readonly string[] = []): GateState {
  return { open: false, gate, rule, reason, waitsFor }
}

/** Peer ids as people can read them: the last eight characters of the first few, and how many more there are. */
export function namePeers(peers: readonly string[]): string {
  const shown = peers.slice(0, 3).map(peer => `…${peer.slice(-8)}`)
  const more = peers.length - shown.length
  return more > 0 ? `${shown.join(', ')} and ${more} more` : shown.join(', ')
}
