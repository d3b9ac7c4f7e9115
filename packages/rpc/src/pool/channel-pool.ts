import type { Greeted } from '../hello/greet.js'

export interface ChannelPoolInit {
  /** Opens a stream to the peer and greets. @throws InstarError Unreachable */
  readonly open: (peer: string, signal: AbortSignal) => Promise<Greeted>
  readonly peersMax?: number
}

/** The channels of this process, one per other peer, whoever opened it; if both opened at once, either is used. */
export interface ChannelPool {
  /** A live channel, opened on demand; concurrent callers share one attempt. @throws CallError Unreachable, not executed */
  get(peer: string, options?: { signal?: AbortSignal }): Promise<Greeted>
  /** A live channel if there is one. */
  peek(peer: string): Greeted | undefined
  /** Takes in a channel that the other end opened. */
  add(peer: string, greeted: Greeted): void
  peers(): readonly string[]
  close(): Promise<void>
}

export function createChannelPool(_init: ChannelPoolInit): ChannelPool {
  throw new Error('not built yet')
}
