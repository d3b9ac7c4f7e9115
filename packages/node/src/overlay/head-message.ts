import { accept, reject, type Json, type Verdict } from '@instar/core'
import { documentsOf, headsOf, parseHeads, type Heads, type TrustState } from '@instar/signer'
import { encodeContainer, type Container } from './container.js'

export const headMessageBytesMax = 16 * 1024

/** What travels on the head topic: what the sender holds, and the newest of it as far as it fits. */
export interface HeadMessage {
  readonly heads: Heads
  /** In feeding order. */
  readonly documents: readonly Uint8Array[]
}

/**
 * The same bytes at every peer that trusts the same: gossip takes them for one message. Tried in this order: the newest descriptor
 * beside targets, snapshot and timestamp; those three; the timestamp alone; the heads alone. Root rotations are left to sync.
 */
export function composeHeadMessage(state: TrustState): Uint8Array {
  const heads = JSON.parse(JSON.stringify(headsOf(state))) as Json
  const newest = state.named.run.at(-1)?.hash
  const documents = documentsOf(state).filter(({ info }) => info.as === 'trusted')
  const tries = [
    documents.filter(({ info }) => info.role !== 'root' && (info.role !== 'descriptor' || info.hash === newest)),
    documents.filter(({ info }) => info.role !== 'root' && info.role !== 'descriptor'),
    documents.filter(({ info }) => info.role === 'timestamp')
  ]
  for (const chosen of tries) {
    if (chosen.reduce((sum, { bytes }) => sum + bytes.length, 0) > headMessageBytesMax) continue
    const message = encodeContainer(
      { format: 1, heads },
      chosen.map(({ bytes }) => bytes)
    )
    if (message.length <= headMessageBytesMax) return message
  }
  return encodeContainer({ format: 1, heads }, [])
}

export function readHeadMessage({ header, parts }: Container): Verdict<HeadMessage> {
  if (header['format'] !== 1) return reject('UnknownFormat', 'the message has a format that this release does not read')
  if (parts.length > 16) return reject('TooManyDocuments', `${parts.length} documents in one message`)
  const heads = parseHeads(header['heads'])
  return heads.verdict === 'accept' ? accept({ heads: heads.value, documents: parts }) : heads
}
