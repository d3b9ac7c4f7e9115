import { InstarError } from '@instar/core'
import type { Heads } from '@instar/signer'
import type { Announcements } from '../overlay/announcements.js'
import { syncLimits } from '../overlay/limits.js'
import type { Overlay } from '../overlay/overlay.js'
import type { TrustService } from '../trust/trust-service.js'
import { PeerLied, type Frames } from './frames.js'
import {
  addressesMax,
  firstPage,
  knownStampsMax,
  pageBytesMax,
  type Hello,
  type Stamp,
  type SyncMessage
} from './messages.js'

export interface ExchangeInit {
  readonly overlay: Overlay
  readonly network: string
  readonly trust: TrustService
  readonly announcements: Announcements
  /** Of one exchange; default: the limit. */
  readonly pulledBytesMax?: number
  /** The other side said what it holds, and it may be more than is here. */
  onAhead(peer: string): void
}

/** What came of asking a peer. */
export interface Pulled {
  /** What it said that it holds. */
  readonly heads: Heads
  /** `more`: it has more than one exchange takes. `nothing`: it claimed more than is here and gave nothing of it. */
  readonly outcome: 'all' | 'more' | 'nothing'
}

/** The asking side: hello, then documents in feeding order until nothing more is to be had. */
export async function pull(init: ExchangeInit, frames: Frames, peer: string): Promise<Pulled> {
  const { trust, pulledBytesMax = syncLimits.pulledBytesMax } = init
  await frames.send(helloOf(init, { known: stampsOf(init), announcements: [] }))
  const hello = expectType(await frames.receive(), 'hello')
  await take(init, hello, peer)
  let taken = false
  for (let pages = 0; trust.isBehind(hello.heads); pages++) {
    // At least one page, so that the next exchange begins further on.
    if (pages >= syncLimits.pagesMax || (pages > 0 && frames.receivedBytes >= pulledBytesMax))
      return { heads: hello.heads, outcome: 'more' }
    await frames.send({ type: 'pull', heads: trust.heads() })
    const { documents } = expectType(await frames.receive(), 'documents')
    let news = false
    for (const document of documents) {
      // The very function by which gossip enters: a pulled document is trusted no more than that.
      const verdict = await trust.submit(document, peer)
      if (verdict.verdict === 'reject') throw new PeerLied(`${verdict.code}: ${verdict.detail}`)
      news ||= verdict.verdict === 'accept'
    }
    taken ||= news
    // It claims more than it gives, or gives what this peer cannot use: others are asked for the rest.
    if (!news) break
  }
  return { heads: hello.heads, outcome: taken || !trust.isBehind(hello.heads) ? 'all' : 'nothing' }
}

/** The answering side: until the other one ends. */
export async function serve(init: ExchangeInit, frames: Frames, peer: string): Promise<void> {
  for (let messages = 0; messages <= syncLimits.pagesMax; messages++) {
    const message = await frames.receive()
    if (message === undefined) return
    if (message.type === 'documents') throw new PeerLied('it sent documents that nobody asked for')
    if (message.type === 'pull') {
      await frames.send({ type: 'documents', documents: firstPage(init.trust.documentsAhead(message.heads)) })
      continue
    }
    const answer = helloOf(init, { known: [], announcements: unknownTo(init, message.known) })
    await take(init, message, peer)
    await frames.send(answer)
    if (init.trust.isBehind(message.heads)) init.onAhead(peer)
  }
}

function helloOf(init: ExchangeInit, more: Pick<Hello, 'known' | 'announcements'>): Hello {
  const { trust, overlay, announcements, network } = init
  const { version, chainId } = trust.newest()
  const own = announcements.own()
  return {
    type: 'hello',
    network,
    version,
    chainId,
    heads: trust.heads() satisfies Heads,
    peers: overlay.knownPeers(addressesMax),
    known: more.known,
    announcements: own === undefined ? more.announcements : [own, ...more.announcements]
  }
}

async function take(init: ExchangeInit, hello: Hello, peer: string): Promise<void> {
  if (hello.network !== init.network) throw new PeerLied('it is of another network')
  init.overlay.learn(hello.peers)
  for (const envelope of hello.announcements) {
    const verdict = await init.announcements.submit(envelope, peer)
    if (verdict.verdict === 'reject') throw new PeerLied(`${verdict.code}: ${verdict.detail}`)
  }
}

function stampsOf({ announcements }: ExchangeInit): readonly Stamp[] {
  return announcements
    .heard()
    .slice(0, knownStampsMax)
    .map(({ statement: { peer, epoch, seq } }) => [peer, epoch, seq] as const)
}

/** The statements that the asking side lacks, most recent first, as many as fit. */
function unknownTo({ announcements }: ExchangeInit, known: readonly Stamp[]): readonly Uint8Array[] {
  const stamps = new Map(known.map(([peer, epoch, seq]) => [peer, [epoch, seq] as const]))
  let bytes = 0
  const lacking: Uint8Array[] = []
  for (const { statement, envelope } of announcements.heard()) {
    const [epoch, seq] = stamps.get(statement.peer) ?? [0, 0]
    if (statement.epoch < epoch || (statement.epoch === epoch && statement.seq <= seq)) continue
    bytes += envelope.length
    if (bytes > pageBytesMax || lacking.length >= knownStampsMax) break
    lacking.push(envelope)
  }
  return lacking
}

function expectType<T extends SyncMessage['type']>(
  message: SyncMessage | undefined,
  type: T
): Extract<SyncMessage, { type: T }> {
  // A peer that stops closes its streams without an error: that is no offence.
  if (message === undefined) throw new InstarError('Unreachable', `The exchange ended before the peer sent ${type}.`)
  if (message.type !== type) throw new PeerLied(`it sent ${message.type} instead of ${type}`)
  return message as Extract<SyncMessage, { type: T }>
}
