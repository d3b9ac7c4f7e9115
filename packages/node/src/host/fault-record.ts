import type { FacadeDescription } from '@instar/simulator-runtime/host'

/** What went wrong in one method of one façade, for `why`: which class, version and method, how often, and how the last time. */
export interface Fault {
  readonly className: string
  readonly revision: number
  readonly role: FacadeDescription['role'] | undefined
  /** Empty where no single method is known to have run. */
  readonly method: string
  /** The code that callers got, or what became of the host. */
  readonly kind: string
  readonly count: number
  readonly lastWallMs: number
  readonly cause: string
}

export interface FaultRecord {
  add(fault: Omit<Fault, 'count' | 'lastWallMs'>): void
  /** The latest first. */
  list(): readonly Fault[]
}

/** The oldest are forgotten: method names come from contracts, but versions come and go for as long as the peer lives. */
const faultsMax = 50

/** Kept in the peer since its start: hosts come and go. */
export function createFaultRecord(wallMs: () => number): FaultRecord {
  const faults = new Map<string, Fault>()
  return {
    add(fault) {
      const key = `${fault.revision} ${fault.method} ${fault.kind}`
      const before = faults.get(key)
      faults.delete(key)
      if (faults.size >= faultsMax) faults.delete(faults.keys().next().value as string)
      faults.set(key, { ...fault, count: (before?.count ?? 0) + 1, lastWallMs: wallMs() })
    },
    list: () => [...faults.values()].reverse()
  }
}
