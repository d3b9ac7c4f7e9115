import { findLineage, type VersionLog } from '../version-log/version-log.js'
import type { Announcement } from '../announcement/announcement.js'

/** On what ground a peer's statements count (R21), as the shell has judged it by what the admission role signed. */
export type Admission =
  /** Policy `open`: whoever proves its identity counts, for as long as it is heard. */
  | { readonly by: 'policy' }
  /** A certificate that verified. It counts from and until these moments of the wall clock, heard or not (§14). */
  | {
      readonly by: 'certificate'
      readonly fromMs: number
      readonly untilMs: number
      /** A name that the class bears or bore: upgrades rename it. */
      readonly class: string
      readonly groups: readonly string[]
      readonly serial: string
      /** The serial of the invitation that it came through, where there was one. */
      readonly invitation?: string
    }
  /** A stranger: it may connect, sync and call; what it announces enters no decision. */
  | { readonly by: 'nothing'; readonly code: string; readonly reason: string }

/** What every peer has where the policy is `open`. */
export const openAdmission: Admission = Object.freeze({ by: 'policy' })

/** Why a certificate does not count for this statement now, in words; undefined when it does. */
export function flawOfCertificate(
  log: VersionLog,
  announcement: Announcement,
  certificate: Extract<Admission, { by: 'certificate' }>,
  wallMs: number
): string | undefined {
  if (wallMs < certificate.fromMs) return `its certificate counts only from ${time(certificate.fromMs)}`
  if (wallMs >= certificate.untilMs) return `its certificate ended at ${time(certificate.untilMs)}`
  return isOfClass(log, announcement, certificate.class)
    ? undefined
    : `its certificate is for class ${certificate.class}, and it runs ${announcement.class}`
}

/** Only two classes that are both known and differ are a mismatch: a newer version may explain any other name. */
function isOfClass(log: VersionLog, announcement: Announcement, certified: string): boolean {
  if (announcement.class === certified) return true
  const runs = findLineage(log, announcement.class, announcement.running.version)
  const may = findLineage(log, certified)
  return runs === undefined || may === undefined || (runs.since === may.since && runs.className === may.className)
}

function time(ms: number): string {
  return new Date(ms).toISOString()
}
