import { accept, ignore, messageOf, sha256Hex, type Verdict } from '@instar/core'
import type { Logger } from 'pino'
import type { TrustService } from '../trust/trust-service.js'
import { decodeContainer } from './container.js'
import { composeHeadMessage, headMessageBytesMax, readHeadMessage, type HeadMessage } from './head-message.js'
import type { Topic } from './gossip.js'
import { gossipLimits } from './limits.js'
import type { Overlay } from './overlay.js'
import { headTopicName } from './topics.js'

export interface HeadTopicInit {
  readonly overlay: Pick<Overlay, 'topic' | 'neighbours'>
  readonly network: string
  readonly trust: TrustService
  /** Pulls from a peer what it holds and is not here; see `Sync`. */
  pullFrom(peer: string): Promise<void>
  readonly log: Logger
}

export interface HeadTopic {
  /** Spreads the newest head. Called by itself after every change, wherever the change came from. */
  publish(): Promise<number>
  /** Neighbours that follow the topic. */
  followers(): readonly string[]
  /** Ends the spreading. */
  stop(): void
}

const { heldMax, heldPerPeerMax, heldBytesMax, heldMs } = gossipLimits
/** Documents of one publication follow each other faster than this; nothing waits for the end of an endless one. */
const batchMs = 25
const batchMaxMs = 250
/** How often a neighbour that is behind is told so. */
const nudgeMs = 5000

/** Joins the head topic. Before the overlay starts. */
export function createHeadTopic(init: HeadTopicInit): HeadTopic {
  return new GossipedHeads(init)
}

class GossipedHeads implements HeadTopic {
  private readonly topic: Topic
  private readonly leave: () => void
  private planned: NodeJS.Timeout | undefined
  private plannedAtMs: number | undefined
  private readonly held: { readonly from: string; readonly bytes: number }[] = []
  private readonly nudgedAtMs = new Map<string, number>()

  constructor(private readonly init: HeadTopicInit) {
    this.topic = init.overlay.topic({
      topic: headTopicName(init.network),
      bytesMax: headMessageBytesMax,
      validate: (data, from) => this.validate(data, from)
    })
    this.leave = init.trust.onChange(() => this.plan())
  }

  async publish(): Promise<number> {
    return this.topic.publish(composeHeadMessage(this.init.trust.state()))
  }

  followers(): readonly string[] {
    return this.topic.subscribers()
  }

  stop(): void {
    this.leave()
    clearTimeout(this.planned)
  }

  /** Documents come in batches: one message after the batch. What others spread already is the same bytes and goes no further. */
  private plan(): void {
    const nowMs = performance.now()
    this.plannedAtMs ??= nowMs
    clearTimeout(this.planned)
    this.planned = setTimeout(
      () => {
        this.plannedAtMs = undefined
        this.publish().catch((thrown: unknown) => {
          // Neighbours learn it by sync.
          this.init.log.debug({ cause: messageOf(thrown) }, 'could not spread the head')
        })
      },
      Math.max(0, Math.min(batchMs, this.plannedAtMs + batchMaxMs - nowMs))
    )
  }

  private async validate(data: Uint8Array, from: string): Promise<Verdict<unknown>> {
    const container = decodeContainer(data)
    if (container.verdict !== 'accept') return container
    const message = readHeadMessage(container.value)
    if (message.verdict !== 'accept') return message
    let verdict = await this.submit(message.value, from)
    if (verdict.verdict === 'ignore' && verdict.code === 'NeedsNewerTrust')
      verdict = await this.hold(message.value, data.length, from)
    const { trust, overlay } = this.init
    if (verdict.verdict !== 'reject' && overlay.neighbours().has(from) && trust.isBehind(message.value.heads)) {
      // More was named than fitted into the message.
      this.pullSoon(from)
    }
    if (verdict.verdict === 'ignore' && this.isMine(data)) return accept(undefined)
    if (verdict.verdict === 'ignore' && verdict.code === 'Older') this.nudge(from)
    return verdict
  }

  /** §5: a validator that lacks documents holds the message while it pulls them from the sender, then decides. */
  private async hold(message: HeadMessage, bytes: number, from: string): Promise<Verdict<unknown>> {
    if (!this.hasRoom(bytes, from)) return ignore('TooManyHeld', 'too many messages wait for documents already')
    const held = { from, bytes }
    this.held.push(held)
    let timer: NodeJS.Timeout | undefined
    try {
      const timeout = new Promise<void>(resolve => {
        timer = setTimeout(resolve, heldMs)
      })
      await Promise.race([this.init.pullFrom(from), timeout])
      return await this.submit(message, from)
    } catch (thrown) {
      return ignore('NeedsNewerTrust', `the sender did not give what its message needs: ${messageOf(thrown)}`)
    } finally {
      clearTimeout(timer)
      this.held.splice(this.held.indexOf(held), 1)
    }
  }

  /** One neighbour cannot take the room of all others. */
  private hasRoom(bytes: number, from: string): boolean {
    const bytesHeld = this.held.reduce((sum, each) => sum + each.bytes, 0)
    const ofPeer = this.held.filter(each => each.from === from).length
    return this.held.length < heldMax && ofPeer < heldPerPeerMax && bytesHeld + bytes <= heldBytesMax
  }

  /** Accepts what brought something new; one rejected document makes the message a reject. */
  private async submit(message: HeadMessage, from: string): Promise<Verdict<unknown>> {
    let outcome: Verdict<unknown> = ignore('Known', 'nothing in it is new')
    for (const document of message.documents) {
      const verdict = await this.init.trust.submit(document, from)
      if (verdict.verdict === 'reject') return verdict
      if (verdict.verdict === 'accept') outcome = verdict
      else if (outcome.verdict !== 'accept' && verdict.code !== 'Known') outcome = verdict
    }
    return outcome
  }

  /** What sync was faster with is still to be relayed: others wait for it. */
  private isMine(data: Uint8Array): boolean {
    return sha256Hex(data) === sha256Hex(composeHeadMessage(this.init.trust.state()))
  }

  /** The hello of an exchange shows a neighbour what it lacks. */
  private nudge(from: string): void {
    const nowMs = Date.now()
    if (nowMs - (this.nudgedAtMs.get(from) ?? 0) < nudgeMs) return
    if (this.nudgedAtMs.size >= 1000) this.nudgedAtMs.clear()
    this.nudgedAtMs.set(from, nowMs)
    this.pullSoon(from)
  }

  private pullSoon(from: string): void {
    this.init.pullFrom(from).catch((thrown: unknown) => {
      this.init.log.debug({ peer: from, cause: messageOf(thrown) }, 'an exchange failed')
    })
  }
}
