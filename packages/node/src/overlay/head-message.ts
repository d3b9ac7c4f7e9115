import { accept, reject, type Json, type Verdict } from '@instar/core'
import {
  documentsOf,
  headsOf,
  parseHeads,
  type DocumentRole,
  type Heads,
  type TrustedDocument,
  type TrustState
} from '@instar/signer'
import { encodeContainer, type Container } from './container.js'

export const headMessageBytesMax = 16 * 1024
/** Of halts and evidence. */
const urgentBytesMax = 4 * 1024

/** What travels on the head topic: what the sender holds, and what of it must be known first, as far as it fits. */
export interface HeadMessage {
  readonly heads: Heads
  /** In feeding order. */
  readonly documents: readonly Uint8Array[]
}

/**
 * The same bytes at every peer that trusts the same: gossip takes them for one message. Halts and evidence come first, for they must
 * act wherever they arrive without anybody being asked (P1, R20). Beside them, tried in this order: the newest descriptor with targets,
 * snapshot and timestamp; those three; the timestamp alone; nothing. What is left out is named by the heads and pulled: root rotations,
 * admission, evidence that is too large.
 */
export function composeHeadMessage(state: TrustState): Uint8Array {
  const heads = JSON.parse(JSON.stringify(headsOf(state))) as Json
  const newest = state.named.run.at(-1)?.hash
  const documents = documentsOf(state)
  const urgent = new Set(urgentOf(documents))
  const usual = documents.filter(({ info }) => info.as === 'trusted' && usualRoles.has(info.role))
  const tries = [
    usual.filter(({ info }) => info.role !== 'descriptor' || info.hash === newest),
    usual.filter(({ info }) => info.role !== 'descriptor'),
    usual.filter(({ info }) => info.role === 'timestamp')
  ]
  for (const chosen of tries) {
    // In the order in which they can be judged.
    const parts = documents.filter(each => urgent.has(each) || chosen.includes(each)).map(({ bytes }) => bytes)
    if (parts.reduce((sum, { length }) => sum + length, 0) > headMessageBytesMax) continue
    const message = encodeContainer({ format: 1, heads }, parts)
    if (message.length <= headMessageBytesMax) return message
  }
  return encodeContainer(
    { format: 1, heads },
    [...urgent].map(({ bytes }) => bytes)
  )
}

const usualRoles: ReadonlySet<DocumentRole> = new Set(['targets', 'snapshot', 'timestamp', 'descriptor'])

/** Halts, the one in force first, then evidence, as much of it as fits. */
function urgentOf(documents: readonly TrustedDocument[]): readonly TrustedDocument[] {
  const isHalt = ({ info }: TrustedDocument) => info.role === 'halt'
  const evidence = documents.filter(({ info }) => info.as === 'evidence')
  const wanted = [
    ...documents.filter(each => isHalt(each) && each.info.as === 'trusted'),
    ...evidence.filter(isHalt),
    ...evidence.filter(each => !isHalt(each) && each.info.role !== 'admission')
  ]
  let bytes = 0
  const chosen = wanted.filter(each => {
    const fits = bytes + each.bytes.length <= urgentBytesMax
    if (fits) bytes += each.bytes.length
    return fits
  })
  return documents.filter(each => chosen.includes(each))
}

export function readHeadMessage({ header, parts }: Container): Verdict<HeadMessage> {
  if (header['format'] !== 1) return reject('UnknownFormat', 'the message has a format that this release does not read')
  if (parts.length > 16) return reject('TooManyDocuments', `${parts.length} documents in one message`)
  const heads = parseHeads(header['heads'])
  return heads.verdict === 'accept' ? accept({ heads: heads.value, documents: parts }) : heads
}
