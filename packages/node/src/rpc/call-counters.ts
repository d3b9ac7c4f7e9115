import type { CallErrorCode } from '@instar/core'

interface VersionCounts {
  readonly calls: number
  readonly disallowed: number
  /** Calls whose failure is nobody's meaning: not the caller's doing, not an answer that the object's author chose, and no retry mends it. */
  readonly errors: number
}

/** How often each version was called here and how that ended, since the start of the process. */
export interface CallCounters {
  answered(version: number): void
  failed(version: number, code: CallErrorCode): void
  perVersion(): Readonly<Record<string, VersionCounts>>
  perCode(): Readonly<Partial<Record<CallErrorCode, number>>>
}

/** Versions are numbers that callers choose, so only so many are counted. */
const versionsMax = 256

const errors: ReadonlySet<CallErrorCode> = new Set([
  'OutOfContract',
  'OutgoingCallInCommand',
  'SessionLost',
  'AnswerTooOld',
  'DeadlineExceeded'
])

export function createCallCounters(): CallCounters {
  const versions = new Map<number, { calls: number; disallowed: number; errors: number }>()
  const codes: Partial<Record<CallErrorCode, number>> = {}

  function of(version: number): { calls: number; disallowed: number; errors: number } {
    const known = versions.get(version)
    if (known !== undefined) return known
    const counts = { calls: 0, disallowed: 0, errors: 0 }
    if (versions.size < versionsMax) versions.set(version, counts)
    return counts
  }

  return {
    answered(version) {
      of(version).calls++
    },
    failed(version, code) {
      codes[code] = (codes[code] ?? 0) + 1
      const counts = of(version)
      counts.calls++
      if (code === 'Disallowed') counts.disallowed++
      else if (errors.has(code)) counts.errors++
    },
    perVersion: () => Object.fromEntries([...versions].map(([version, counts]) => [version, { ...counts }])),
    perCode: () => ({ ...codes })
  }
}
