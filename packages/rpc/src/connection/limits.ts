/**
 * What one connection may ask of its muxer, before any protocol is spoken on it. Each is far above what a peer or client of this release does, and keeps what a hostile one can make us hold to a
 * few megabytes.
 */
export const connectionLimits = Object.freeze({
  /** Streams that the other end has open at once; further ones are reset. All our protocols together need fewer than twenty. */
  inboundStreamsMax: 32,
  /** How far a window grows. Ten megabytes a second at a round trip of 400 ms; it is also the longest frame, since a frame never exceeds the window. */
  windowBytesMax: 4 * 1024 * 1024,
  /** Bytes of a stream that has not named its protocol, or speaks one of libp2p's own; more resets the stream. */
  firstBytesMax: 64 * 1024,
  /** Bytes that a stream holds while nobody reads it; more resets the stream. */
  unreadBytesMax: 1024 * 1024,
  /** Bytes that wait because the socket takes none; more ends the connection. Streams stop at the first byte that waits, so that only pings and resets get here. */
  unsentBytesMax: 16 * 1024 * 1024,
  /** Streams opened and pings per second, and how many may come at once. One exchange opens one stream; calls open none. */
  opensPerSecond: 100,
  opensAtOnce: 1000
})
