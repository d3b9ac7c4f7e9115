/** Who called each version last, for the operator who wants to know why an old one is still served (§14). */
export interface CallerRecord {
  note(version: number, caller: string): void
  /** The callers of a version since the start of this peer, the last one first. */
  of(version: number): ReadonlyArray<{ readonly peer: string; readonly lastMs: number }>
}

/** Of each version so many are remembered, those that called last. */
const callersMax = 64
/** So many versions, those that were called last: a peer serves few at once. */
const versionsMax = 32

/** @param wallMs when a call came, for people */
export function createCallerRecord(wallMs: () => number): CallerRecord {
  // Maps keep the order of insertion: what is set anew goes to the end, and the first one is the oldest.
  const versions = new Map<number, Map<string, number>>()
  return {
    note(version, caller) {
      const callers = versions.get(version) ?? new Map<string, number>()
      versions.delete(version)
      versions.set(version, callers)
      callers.delete(caller)
      callers.set(caller, wallMs())
      dropOldest(callers, callersMax)
      dropOldest(versions, versionsMax)
    },
    of: version => [...(versions.get(version) ?? [])].reverse().map(([peer, lastMs]) => ({ peer, lastMs }))
  }
}

function dropOldest<K>(map: Map<K, unknown>, max: number): void {
  if (map.size <= max) return
  for (const key of map.keys()) {
    map.delete(key)
    return
  }
}
