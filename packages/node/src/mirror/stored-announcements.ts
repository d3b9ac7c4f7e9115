import { ignore, isNewer, type Admission, type Announcement, type Verdict } from '@instar/core'
import { countsAt } from '../admission/peer-judge.js'
import type { CarriedAnnouncement } from '../control/peer-control.js'
import { openAnnouncement, readStoredAnnouncement } from '../overlay/announcement-envelope.js'
import { announcementsToCarry } from '../peer/carried-announcements.js'
import type { Store, StoredAnnouncement } from '../store/store.js'

export interface StoredAnnouncementsInit {
  /** This peer, which does not run: what it says of itself is in no store. */
  readonly self: string
  readonly network: string
  readonly store: Pick<Store, 'readAnnouncements' | 'writeAnnouncement'>
  readonly judge: (peer: string, certificate: string | undefined) => Admission
  readonly now: () => number
}

/** What a peer that does not run has heard of others, and hears: judged as by a running one, which is told of it at its next start. */
export function createStoredAnnouncements({ self, network, store, judge, now }: StoredAnnouncementsInit) {
  return {
    async carried(): Promise<readonly CarriedAnnouncement[]> {
      const nowMs = now()
      const stored = await store.readAnnouncements()
      const passedOn = stored.flatMap(({ envelope, receivedAtMs }) => {
        const statement = readStoredAnnouncement(envelope)
        if (statement === undefined) return []
        const admission = judge(statement.peer, statement.certificate)
        return countsAt(admission, nowMs) ? [{ statement, envelope, receivedAtMs, admission }] : []
      })
      return announcementsToCarry(
        { own: undefined, passedOn: passedOn.sort((a, b) => b.receivedAtMs - a.receivedAtMs) },
        nowMs
      )
    },

    async submit(envelope: Uint8Array, ageMs: number): Promise<Verdict<Announcement>> {
      const opened = await openAnnouncement(envelope, network)
      if (opened.verdict !== 'accept') return opened
      const statement = opened.value
      const { peer, running } = statement
      if (peer === self) return ignore('Own', 'it is of this peer, which says itself what it is')
      const before = await lastOf(store, peer)
      if (before !== undefined && !isNewer(statement, before))
        return ignore('Known', 'the same or a newer statement of this peer is here')
      const nowMs = now()
      const admission = judge(peer, statement.certificate)
      if (admission.by === 'nothing') return ignore(admission.code, admission.reason)
      await store.writeAnnouncement({ peer, envelope, ...running, receivedAtMs: nowMs - Math.max(0, ageMs) })
      return countsAt(admission, nowMs) ? opened : ignore('NotAdmitted', 'its certificate does not count now')
    }
  }
}

async function lastOf(store: StoredAnnouncementsInit['store'], peer: string): Promise<Announcement | undefined> {
  const stored: StoredAnnouncement | undefined = (await store.readAnnouncements()).find(each => each.peer === peer)
  return stored === undefined ? undefined : readStoredAnnouncement(stored.envelope)
}
