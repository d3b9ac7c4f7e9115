import { InstarError, type Verdict } from '@instar/core'
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
  readonly now?: () => number
  /** Certificates that wait for their peers, and what becomes of those that are handed over here. */
  readonly certificates?: {
    waitingFor(peer: string): readonly Uint8Array[]
    offer(bytes: Uint8Array): Promise<Verdict<unknown>>
  }
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
  await frames.send(helloOf(init, peer, { known: stampsOf(init), passedOn: [] }))
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
    const answer = helloOf(init, peer, { known: [], passedOn: unknownTo(init, message.known) })
    await take(init, message, peer)
    await frames.send(answer)
    if (init.trust.isBehind(message.heads)) init.onAhead(peer)
  }
}

type PassedOn = ReturnType<Announcements['passedOn']>

function helloOf(
  init: ExchangeInit,
  peer: string,
  { known, passedOn }: { readonly known: readonly Stamp[]; readonly passedOn: PassedOn }
): Hello {
  const { trust, overlay, announcements, network } = init
  const { version, chainId } = trust.newest()
  const own = announcements.own()
  const nowMs = (init.now ?? Date.now)()
  const ages = passedOn.map(({ receivedAtMs }) => Math.max(0, Math.floor((nowMs - receivedAtMs) / 1000)))
  const envelopes = passedOn.map(({ envelope }) => envelope)
  return {
    type: 'hello',
    network,
    version,
    chainId,
    heads: trust.heads() satisfies Heads,
    peers: overlay.knownPeers(addressesMax),
    known,
    announcements: own === undefined ? envelopes : [own, ...envelopes],
    ages: own === undefined ? ages : [0, ...ages],
    certificates: init.certificates?.waitingFor(peer) ?? []
  }
}

async function take(init: ExchangeInit, hello: Hello, peer: string): Promise<void> {
  if (hello.network !== init.network) throw new PeerLied('it is of another network')
  init.overlay.learn(hello.peers)
  for (const [i, envelope] of hello.announcements.entries()) {
    const verdict = await init.announcements.submit(envelope, peer, (hello.ages[i] ?? 0) * 1000)
    if (verdict.verdict === 'reject') throw new PeerLied(`${verdict.code}: ${verdict.detail}`)
  }
  // Keys that are not known here yet may have signed it, and it may be known: whatever is made of it, it is no lie of this peer's.
  for (const certificate of hello.certificates) await init.certificates?.offer(certificate)
}

function stampsOf({ announcements }: ExchangeInit): readonly Stamp[] {
  return announcements
    .heard()
    .slice(0, knownStampsMax)
    .map(({ statement: { peer, epoch, seq } }) => [peer, epoch, seq] as const)
}

/** The statements that the asking side lacks, most recent first, as many as fit. */
function unknownTo({ announcements }: ExchangeInit, known: readonly Stamp[]): PassedOn {
  const stamps = new Map(known.map(([peer, epoch, seq]) => [peer, [epoch, seq] as const]))
  let bytes = 0
  const lacking: Array<PassedOn[number]> = []
  for (const heard of announcements.passedOn()) {
    const { statement, envelope } = heard
    const [epoch, seq] = stamps.get(statement.peer) ?? [0, 0]
    if (statement.epoch < epoch || (statement.epoch === epoch && statement.seq <= seq)) continue
    bytes += envelope.length
    if (bytes > pageBytesMax || lacking.length >= knownStampsMax) break
    lacking.push(heard)
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
