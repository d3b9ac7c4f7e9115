import type { CallHeader } from '../call/call-header.js'
import type { FrameTransport } from '../transport/frame-transport.js'
import type { ChannelLimits } from './limits.js'

export interface ChannelInit {
  readonly transport: FrameTransport
  /** Answers the other end's calls; without it they are refused with `UnknownMethod`. */
  readonly onCall?: CallHandler
  /** Each hello frame of the other end, as it came. Throwing ends the channel with the error's message. */
  readonly onHello?: (payload: Uint8Array) => void
  readonly limits?: Partial<ChannelLimits>
  /** Names the other end in messages. */
  readonly name?: string
  readonly now?: () => number
}

/**
 * @returns the bytes of the result; they belong to the channel from then on.
 * @throws CallError; anything else becomes `Failed` with an outcome that is unknown
 */
export type CallHandler = (header: CallHeader, body: Uint8Array, context: IncomingCall) => Promise<Uint8Array>

export interface IncomingCall {
  /** Aborted when the caller cancels, its deadline passes or the channel ends. Made on first use. */
  readonly signal: AbortSignal
}

export interface RequestOptions {
  readonly signal?: AbortSignal
}

export type ChannelEndCode = 'closed' | 'goodbye' | 'broken' | 'protocol' | 'silent' | 'stalled' | 'refused'

/** Why a channel is no more. Only after `closed` and `goodbye` both ends agreed on it. */
export interface ChannelEnd {
  readonly code: ChannelEndCode
  readonly message: string
}

export interface Goodbye {
  readonly code: string
  readonly message: string
}

export interface ChannelCounters {
  readonly framesSent: number
  readonly framesReceived: number
  readonly bytesSent: number
  readonly bytesReceived: number
  /** Calls to `send`: how well frames are put together. */
  readonly sends: number
  readonly pending: number
  readonly serving: number
  readonly bytesQueued: number
}

/** One framed stream to one other end, with calls in both directions at once. */
export interface Channel {
  /**
   * Sends a call and resolves with the bytes of its result. `header.remainingMs` is the deadline, counted from now. `body` belongs to the channel.
   *
   * @throws CallError; `executed` is `no` as long as the frame has not left this process
   */
  request(header: CallHeader, body: Uint8Array, options?: RequestOptions): Promise<Uint8Array>
  sendHello(payload: Uint8Array): void
  /** True until the channel ends, closes or the other end said goodbye: a new request would be refused at once. */
  readonly open: boolean
  /** Resolves when the channel has ended, for whatever reason; never rejects. */
  readonly closed: Promise<ChannelEnd>
  counters(): ChannelCounters
  /** Says goodbye, waits at most `limits.closeMs` for calls in both directions, closes. Idempotent. */
  close(goodbye?: Goodbye): Promise<void>
  /** Ends the channel at once; what is pending fails as `Unreachable`. */
  abort(reason: string): void
}

/** Puts frames on a transport. The channel owns the transport and works at once; between peers use `greet`, which exchanges hellos first. */
export function createChannel(_init: ChannelInit): Channel {
  throw new Error('not built yet')
}
