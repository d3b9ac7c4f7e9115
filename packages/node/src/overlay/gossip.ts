import { ignore, invariant, messageOf, reject, type Verdict } from '@instar/core'
import { TopicValidatorResult, type GossipSub } from '@chainsafe/libp2p-gossipsub'
import type { Logger } from 'pino'
import { Judging } from './judging.js'
import { gossipLimits } from './limits.js'
import type { Refusals } from './refusals.js'
import { TokenBuckets } from './token-bucket.js'

export interface TopicInit {
  readonly topic: string
  readonly bytesMax: number
  /** Judges, stores and acts on a message before it is relayed: only what is accepted is. `from` is the neighbour that sent it. */
  validate(data: Uint8Array, from: string): Promise<Verdict<unknown>>
}

export interface Topic {
  /** Resolves with the number of neighbours that it was handed to; 0 is no error, sync carries what gossip could not. */
  publish(data: Uint8Array): Promise<number>
  /** Connected peers that follow the topic. */
  subscribers(): readonly string[]
}

export interface GossipInit {
  readonly pubsub: GossipSub
  readonly isStarted: () => boolean
  readonly refusals: Refusals
  /** A neighbour has sent more messages that are wrong under every trust state than anyone does by mistake. */
  readonly onLiar: (peer: string, reason: string) => void
  readonly now: () => number
  readonly log: Logger
}

/** The topics of this peer, and the one way in which a gossiped message comes in: size → its neighbour's turn → verdict (§5, §13). */
export class Gossip {
  private readonly judging = new Judging()
  private readonly rejects: TokenBuckets
  private readonly topics: string[] = []

  constructor(private readonly init: GossipInit) {
    this.rejects = new TokenBuckets({ perSecond: 1 / 60, atOnce: gossipLimits.rejectsMax, now: init.now })
  }

  topic(init: TopicInit): Topic {
    const { topic, bytesMax } = init
    const { pubsub, isStarted } = this.init
    pubsub.topicValidators.set(topic, async (source, { data }) => {
      const from = source.toString()
      const verdict = await this.verdictOn(init, data, from)
      if (verdict.verdict !== 'accept') this.note(topic, from, verdict)
      return validatorResults[verdict.verdict]
    })
    this.topics.push(topic)
    return {
      publish: async data => {
        invariant(data.length <= bytesMax, `a message on ${topic} fits its largest size`)
        // Before it is in the network there is nobody to hand it to; whoever connects learns it by sync.
        if (!isStarted()) return 0
        return (await pubsub.publish(topic, data)).recipients.length
      },
      subscribers: () => pubsub.getSubscribers(topic).map(String)
    }
  }

  /** Follows all topics; after the start. */
  subscribe(): void {
    for (const topic of this.topics) this.init.pubsub.subscribe(topic)
  }

  private async verdictOn(init: TopicInit, data: Uint8Array, from: string): Promise<Verdict<unknown>> {
    // Bounded before anything reads it (R19).
    if (data.length > init.bytesMax)
      return reject('TooLarge', `${data.length} bytes, at most ${init.bytesMax} are read`)
    const judged = this.judging.judge(from, data.length, () => init.validate(data, from))
    if (judged === undefined) return ignore('Busy', 'too many messages of this neighbour wait to be judged')
    try {
      return await judged
    } catch (thrown) {
      // A failure of this peer's own, a full disk for example: the sender is no worse for it, and nothing unstored is relayed.
      this.init.log.warn({ topic: init.topic, cause: messageOf(thrown) }, 'could not take a message')
      return ignore('Failed', messageOf(thrown))
    }
  }

  private note(topic: string, from: string, verdict: Exclude<Verdict<unknown>, { verdict: 'accept' }>): void {
    const { refusals, onLiar, log } = this.init
    log.debug({ topic, from, ...verdict }, 'not taken and not relayed')
    if (verdict.verdict === 'ignore') {
      if (overload.has(verdict.code)) refusals.count('gossip', verdict.code, from, verdict.detail)
      return
    }
    refusals.count('gossip', verdict.code, from, verdict.detail)
    if (!this.rejects.take(from)) onLiar(from, `its gossip was wrong again and again, last: ${verdict.detail}`)
  }
}

/** What is ignored because there is too much of it, and not for what it says. */
const overload: ReadonlySet<string> = new Set(['Busy', 'TooManyHeld', 'TooOften', 'Full'])

const validatorResults = {
  accept: TopicValidatorResult.Accept,
  ignore: TopicValidatorResult.Ignore,
  reject: TopicValidatorResult.Reject
} as const
