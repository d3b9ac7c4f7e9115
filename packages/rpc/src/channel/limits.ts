/** Bounds of one channel. Raising a bound trades memory for throughput. */
export interface ChannelLimits {
  /** Payload of one frame, header of the call included. A longer one ends the channel. */
  readonly frameBytesMax: number
  /** Calls of the other end that run at once; further ones are answered `Busy`. */
  readonly servingMax: number
  /** Own calls without an answer; further ones are refused here with `Busy`. */
  readonly pendingMax: number
  /** Bytes that wait to be sent; above it own calls are refused with `Busy`, and the other end's are no longer read. */
  readonly queuedBytesMax: number
  /** Bytes of the other end's calls that run; above it no more is read. */
  readonly servingBytesMax: number
  /** Bytes handed to the transport at once, for fairness between streams. The default fills two packets of Noise, headers of the muxer included. */
  readonly sendBytes: number
  /** Hellos of the other end in a second, and at once; more end the channel. One follows each change of what it serves, ten a second at most. */
  readonly hellosPerSecond: number
  readonly hellosAtOnce: number
  /** A ping is sent after so long without a frame of ours; 0 sends none. */
  readonly keepaliveMs: number
  /** Without a frame of the other end for so long the channel is broken; 0 waits for ever. */
  readonly silenceMs: number
  /** The other end took no byte for so long although some wait: the channel is broken. 0 waits for ever. */
  readonly stallMs: number
  /** Time that `close` gives to running calls. */
  readonly closeMs: number
}

export const defaultChannelLimits: ChannelLimits = Object.freeze({
  frameBytesMax: 4 * 1024 * 1024 + 2048,
  servingMax: 1024,
  pendingMax: 4096,
  queuedBytesMax: 16 * 1024 * 1024,
  servingBytesMax: 32 * 1024 * 1024,
  sendBytes: 2 * 65_519 - 96,
  hellosPerSecond: 20,
  hellosAtOnce: 100,
  keepaliveMs: 30_000,
  silenceMs: 90_000,
  stallMs: 30_000,
  closeMs: 2_000
})
