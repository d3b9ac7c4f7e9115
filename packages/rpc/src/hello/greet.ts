import type { CallHandler, Channel, ChannelInit } from '../channel/channel.js'
import type { Hello } from './hello.js'

export interface GreetInit extends Omit<ChannelInit, 'onHello' | 'onCall'> {
  readonly hello: Hello
  readonly onCall?: CallHandler
  /** The other end's hello, each time it changes after the first. */
  readonly onUpdate?: (hello: Hello) => void
  readonly signal?: AbortSignal
  readonly timeoutMs?: number
}

export interface Greeted {
  readonly channel: Channel
  /** The first hello of the other end. */
  readonly hello: Hello
  /** The format that both speak: the highest of both ranges (§16). */
  readonly format: number
}

/**
 * Opens a channel between peers: both ends send their hello at once and compare. Another network, or no format in common, ends the channel at both ends.
 *
 * @throws InstarError WrongNetwork, Unreachable
 */
export async function greet(_init: GreetInit): Promise<Greeted> {
  throw new Error('not built yet')
}
