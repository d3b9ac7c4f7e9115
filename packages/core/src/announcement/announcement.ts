import { z } from 'zod'
import { parseBoundedJson, toCanonicalJson, type Json } from '../codec/json.js'
import { chainIdPrefix, className, groupName, hexDigest, peerIdText, versionNumber } from '../descriptor/fields.js'
import { phases } from '../lifecycle/phase.js'
import { accept, reject, type Verdict } from '../verdict.js'

/** A larger announcement is not read. */
export const announcementBytesMax = 16 * 1024
/** A larger admission certificate is neither made nor read (§5). */
export const certificateBytesMax = 4 * 1024
const certificateCharactersMax = Math.ceil(certificateBytesMax / 3) * 4

/** The highest epoch: so many starts nobody makes, and there is room above every epoch that somebody does. */
export const epochMax = 1_000_000_000_000

const versionRef = z.strictObject({ version: versionNumber, chainId: chainIdPrefix })

const announcementSchema = z.strictObject({
  format: z.literal(1),
  network: hexDigest,
  peer: peerIdText,
  class: className,
  groups: z.array(groupName).max(16),
  /** Counts the starts of the peer; with `seq` it orders its statements, the latest wins (§13). */
  epoch: z.int().min(1).max(epochMax),
  seq: z.int().min(1),
  running: versionRef,
  /** The lowest version that the peer may still run as: running, or on trial the version that going back leads to. */
  floor: versionNumber,
  /** Lowest and highest version that it serves now; absent while it serves none. */
  served: z.tuple([versionNumber, versionNumber]).optional(),
  /** Each version that is not settled here, ascending: its phase, and why it waits or what went wrong (R18). */
  versions: z
    .array(
      z.strictObject({
        version: versionNumber,
        chainId: chainIdPrefix,
        phase: z.enum(phases),
        reason: z.string().max(300).optional()
      })
    )
    .max(16),
  /** The newest version whose descriptor it trusts; a neighbour that knows less pulls (R3). */
  newest: versionNumber,
  instar: z.string().max(40),
  /** What the admission role signed about this peer, where it has it (§5): a certificate in base64, judged apart from the statement. */
  certificate: z
    .string()
    .regex(/^[A-Za-z0-9+/]+={0,2}$/)
    .max(certificateCharactersMax)
    .optional()
})

/** A peer's signed, sequenced, whole statement about itself. */
export type Announcement = Readonly<z.infer<typeof announcementSchema>>
/** What a peer says about itself; who sends it adds the format, the network, its id, the sequence and its certificate. */
export type AnnouncementContent = Omit<Announcement, 'format' | 'network' | 'peer' | 'epoch' | 'seq' | 'certificate'>
/** A version together with the chain id prefix that says of which history it is (R1). */
export type VersionRef = Readonly<z.infer<typeof versionRef>>

/** Reads a statement from the payload of an envelope whose signature has verified already. Never throws. */
export function parseAnnouncement(payload: Uint8Array): Verdict<Announcement> {
  const json = parseBoundedJson(payload, { bytesMax: announcementBytesMax, depthMax: 5, itemsMax: 500 })
  if (json.verdict !== 'accept') return json
  const parsed = announcementSchema.safeParse(json.value)
  if (!parsed.success)
    return reject('NotAnAnnouncement', z.prettifyError(parsed.error).replace(/\n/g, ' ').slice(0, 500))
  return accept(parsed.data)
}

/** The bytes that a peer signs: canonical JSON. */
export function encodeAnnouncement(announcement: Announcement): Uint8Array {
  return toCanonicalJson(announcement as unknown as Json)
}
