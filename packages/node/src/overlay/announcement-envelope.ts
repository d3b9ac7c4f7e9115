import {
  accept,
  announcementBytesMax,
  encodeAnnouncement,
  parseAnnouncement,
  reject,
  type Announcement,
  type Verdict
} from '@instar/core'
import type { PrivateKey } from '@libp2p/interface'
import { peerIdFromPublicKey } from '@libp2p/peer-id'
import { RecordEnvelope } from '@libp2p/peer-record'

/** The domain of the signature (RFC 0002): what was signed here is worth nothing anywhere else. */
const domain = 'instar-announcement'
const payloadType = new Uint8Array(Buffer.from('/instar/announcement'))

/** A statement, its signer's key, type and signature. */
export const envelopeBytesMax = announcementBytesMax + 512

export async function sealAnnouncement(statement: Announcement, identity: PrivateKey): Promise<Uint8Array> {
  const record = {
    domain,
    codec: payloadType,
    marshal: () => encodeAnnouncement(statement),
    equals: () => false
  }
  return (await RecordEnvelope.seal(record, identity)).marshal()
}

/**
 * Size → envelope → signature → statement → network → signer, each before the next: all of it is wrong or right under every trust
 * state, so that a refusal is a reject (§13).
 */
export async function openAnnouncement(bytes: Uint8Array, network: string): Promise<Verdict<Announcement>> {
  if (bytes.length > envelopeBytesMax)
    return reject('TooLarge', `${bytes.length} bytes, at most ${envelopeBytesMax} are read`)
  const envelope = parseEnvelope(bytes)
  if (envelope === undefined) return reject('NotAnEnvelope', 'the bytes are no signed envelope by an Ed25519 key')
  if (!(await isSigned(envelope))) return reject('BadSignature', 'the signature does not fit')
  const parsed = parseAnnouncement(envelope.payload)
  if (parsed.verdict !== 'accept') return parsed
  if (parsed.value.network !== network) return reject('WrongNetwork', 'the statement is of another network')
  if (parsed.value.peer !== peerIdFromPublicKey(envelope.publicKey).toString())
    return reject('WrongSigner', 'the statement is about another peer than its signer')
  return accept(parsed.value)
}

/** Reads an envelope that was verified when it was stored. */
export function readStoredAnnouncement(bytes: Uint8Array): Announcement | undefined {
  const envelope = parseEnvelope(bytes)
  if (envelope === undefined) return undefined
  const parsed = parseAnnouncement(envelope.payload)
  return parsed.verdict === 'accept' ? parsed.value : undefined
}

function parseEnvelope(bytes: Uint8Array): RecordEnvelope | undefined {
  try {
    const envelope = RecordEnvelope.createFromProtobuf(bytes)
    // One kind of key: others cost more to verify than a liar pays to send.
    if (envelope.publicKey.type !== 'Ed25519') return undefined
    // Protobuf has many encodings of one message; each would be a message of its own to gossip.
    if (!Buffer.from(bytes).equals(envelope.marshal())) return undefined
    return Buffer.from(payloadType).equals(envelope.payloadType) ? envelope : undefined
  } catch {
    // Garbage from a peer is a verdict, not a failure.
    return undefined
  }
}

async function isSigned(envelope: RecordEnvelope): Promise<boolean> {
  try {
    return await envelope.validate(domain)
  } catch {
    // A signature of the wrong length throws.
    return false
  }
}
