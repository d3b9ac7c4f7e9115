import type { Announcement, Verdict } from '@instar/core'
import type { CarriedAnnouncement, DocumentVerdict } from '../control/peer-control.js'
import type { Announcements } from '../overlay/announcements.js'

/** More are carried by nobody: half of a class is enough to say what has been committed (§14). */
export const carriedAnnouncementsMax = 1000

/** What a running peer says of itself, and what it passes on of others. */
export function announcementsToCarry(
  { own, passedOn }: { readonly own: Uint8Array | undefined; readonly passedOn: ReturnType<Announcements['passedOn']> },
  nowMs: number
): readonly CarriedAnnouncement[] {
  const others = passedOn.map(({ envelope, receivedAtMs }) => ({
    envelope,
    ageMs: Math.max(0, Math.floor(nowMs - receivedAtMs))
  }))
  return [...(own === undefined ? [] : [{ envelope: own, ageMs: 0 }]), ...others].slice(0, carriedAnnouncementsMax)
}

/** Judges announcements one after the other, as `submit` does what a neighbour passes on. */
export async function hearAll(
  submit: (envelope: Uint8Array, ageMs: number) => Promise<Verdict<Announcement>>,
  announcements: readonly CarriedAnnouncement[]
): Promise<readonly DocumentVerdict[]> {
  const verdicts: DocumentVerdict[] = []
  for (const [i, { envelope, ageMs }] of announcements.entries()) {
    const verdict = await submit(envelope, ageMs)
    if (verdict.verdict === 'accept')
      verdicts.push({ document: `announcement of ${verdict.value.peer}`, verdict: 'accept' })
    else
      verdicts.push({
        document: `announcement ${i + 1}`,
        verdict: verdict.verdict,
        code: verdict.code,
        detail: verdict.detail
      })
  }
  return verdicts
}
