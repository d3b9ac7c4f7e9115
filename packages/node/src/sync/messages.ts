// What travels on `/instar/sync/1`: one stream per exchange, the puller asks and the other answers, frame by frame. Both hellos say
// the same things, so that one exchange tells both sides whether they must pull.

import { accept, certificateBytesMax, reject, type Json, type Verdict } from '@instar/core'
import { parseHeads, type Heads } from '@instar/signer'
import { z } from 'zod'
import { decodeContainer, encodeContainer } from '../overlay/container.js'
import type { KnownPeer } from '../store/store.js'

export const syncProtocol = '/instar/sync/1'

/** Larger than any document, small beside what a stream buffers. */
export const frameBytesMax = 1024 * 1024
/** Of parts in one frame; the rest of the frame is the header. */
export const pageBytesMax = 640 * 1024
export const knownStampsMax = 1000
export const addressesMax = 32
const certificatesMax = 4

/** The forms of these messages that this release speaks (§16). */
const formats = [1, 1] as const

/** What of whom is known already: peer, epoch, seq. */
export type Stamp = readonly [peer: string, epoch: number, seq: number]

export interface Hello {
  readonly type: 'hello'
  readonly network: string
  /** The network's version by the sender's trust, and its chain id (R1, §6). */
  readonly version: number
  readonly chainId: string
  readonly heads: Heads
  readonly peers: readonly KnownPeer[]
  /** Statements that need not be sent; empty in an answer. */
  readonly known: readonly Stamp[]
  /** Statements: the sender's own first. */
  readonly announcements: readonly Uint8Array[]
  /** How long ago, in seconds, the sender heard each of them: a silent peer does not speak because others pass its words on. */
  readonly ages: readonly number[]
  /** Certificates for the receiver, or none (§5). */
  readonly certificates: readonly Uint8Array[]
}

/** Asks for what a holder of these heads lacks; the answer is one page of it. */
interface Pull {
  readonly type: 'pull'
  readonly heads: Heads
}

interface Documents {
  readonly type: 'documents'
  readonly documents: readonly Uint8Array[]
}

export type SyncMessage = Hello | Pull | Documents

const peerSchema = z.object({
  peer: z.string().max(128),
  addresses: z.array(z.string().max(256)).max(8),
  lastSeenMs: z.number()
})

const helloSchema = z.object({
  type: z.literal('hello'),
  formats: z.tuple([z.int(), z.int()]),
  network: z.string().max(64),
  version: z.int().min(0),
  chainId: z.string().max(64),
  heads: z.unknown(),
  peers: z.array(peerSchema).max(addressesMax),
  known: z.array(z.tuple([z.string().max(128), z.int(), z.int()])).max(knownStampsMax),
  ages: z
    .array(z.int().min(0))
    .max(knownStampsMax + 1)
    .default([]),
  certificates: z
    .array(z.base64().max(Math.ceil(certificateBytesMax / 3) * 4))
    .max(certificatesMax)
    .default([])
})

/** Loose where later releases may add: unknown fields are passed over. */
const headerSchema = z.discriminatedUnion('type', [
  helloSchema,
  z.object({ type: z.literal('pull'), heads: z.unknown() }),
  z.object({ type: z.literal('documents') })
])

export function encodeMessage(message: SyncMessage): Uint8Array {
  switch (message.type) {
    case 'hello': {
      const { announcements, certificates, ...header } = message
      return encodeContainer(
        {
          ...header,
          formats,
          heads: toJson(header.heads),
          peers: toJson(header.peers),
          certificates: certificates.map(each => Buffer.from(each).toString('base64'))
        },
        announcements
      )
    }
    case 'pull':
      return encodeContainer({ type: 'pull', heads: toJson(message.heads) }, [])
    case 'documents':
      return encodeContainer({ type: 'documents' }, message.documents)
  }
}

/** Never throws. */
export function decodeMessage(bytes: Uint8Array): Verdict<SyncMessage> {
  const container = decodeContainer(bytes)
  if (container.verdict !== 'accept') return container
  const { header, parts } = container.value
  const parsed = headerSchema.safeParse(header)
  if (!parsed.success) return reject('NotASyncMessage', z.prettifyError(parsed.error).replace(/\n/g, ' ').slice(0, 300))
  const message = parsed.data
  if (message.type === 'documents') return accept({ type: 'documents', documents: parts })
  const heads = parseHeads(message.heads)
  if (heads.verdict !== 'accept') return heads
  if (message.type === 'pull') return accept({ type: 'pull', heads: heads.value })
  if (message.formats[0] > formats[1] || message.formats[1] < formats[0])
    return reject(
      'NoCommonFormat',
      `it speaks formats ${message.formats.join(' to ')}, I speak ${formats.join(' to ')}`
    )
  const certificates = message.certificates.map(each => new Uint8Array(Buffer.from(each, 'base64')))
  return accept({ ...message, heads: heads.value, announcements: parts, certificates })
}

/** The first documents that fit one page; at least one, so that an exchange always gets on. */
export function firstPage(documents: readonly Uint8Array[]): readonly Uint8Array[] {
  let bytes = 0
  const end = documents.findIndex((document, i) => (bytes += document.length) > pageBytesMax && i > 0)
  return documents.slice(0, Math.min(end === -1 ? documents.length : end, 1000))
}

/** Heads and peers are plain JSON by construction. */
function toJson(value: unknown): Json {
  return JSON.parse(JSON.stringify(value)) as Json
}
