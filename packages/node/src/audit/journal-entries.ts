import type { Json, JournalEntry } from '@instar/core'
import type { AuditEntry } from './audit-line.js'

/** What the audit log keeps of the peer's decisions: those that a person made, or has to make. */
export function auditOfJournal(entries: readonly JournalEntry[]): readonly AuditEntry[] {
  return entries.flatMap((entry): AuditEntry[] => {
    if (entry.type === 'policy') return [{ event: 'policyChanged', set: entry.set as unknown as Json }]
    if (entry.type === 'parked') return [{ event: 'parked', crashes: entry.crashes, cause: entry.cause.slice(0, 500) }]
    return entry.type === 'unparked' ? [{ event: 'unparked' }] : []
  })
}
